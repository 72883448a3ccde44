"""A bundle that anybody may have made: what was changed, forged or blown up is refused before anything is written."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import Conflict, EchoError, InvalidInput, TooLarge
from app.services import bundle, packages
from app.services.bundle.manifest import signed
from app.services.bundle.reading import opened
from app.vault import signer
from tests.integration.bundles import contents, exported, fill, packed, wipe
from tests.integration.persona import WORDS, Person

Members = dict[str, bytes]


@pytest.fixture
def members(person: Person, tmp_path: Path) -> Members:
    """The members of a good bundle of somebody who is not here any more."""
    fill(person)
    file = exported(person.user_id, tmp_path)
    wipe(person.user_id)
    return contents(file)


@pytest.fixture
def refused(person: Person, tmp_path: Path) -> Callable[..., EchoError]:
    def check(data: bytes | Members, kind: type[EchoError] = InvalidInput) -> EchoError:
        file = tmp_path / "other.zip"
        file.write_bytes(data if isinstance(data, bytes) else packed(data))
        with pytest.raises(kind) as caught:
            bundle.restore(file)
        assert packages.listed(person.user_id) == ([], 0)
        assert person.candidates() == {}
        return caught.value

    return check


def resigned(members: Members, **changed: Any) -> Members:
    """The same with a manifest and a signature that fit: what somebody with a key of their own could make."""
    manifest = json.loads(members["manifest.json"])
    proof = {"manifest.json", "manifest.jws", "public-key.json"}
    manifest["members"] = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
        if name not in proof
    ]
    content = json.dumps(manifest | changed).encode()
    return {**members, "manifest.json": content, "manifest.jws": signed(content, signer())}


def changed_rows(members: Members, name: str, change: Callable[[list[dict[str, Any]]], None]) -> Members:
    rows = json.loads(members[name])
    change(rows)
    lines = ",\n".join(json.dumps(row) for row in rows)
    return resigned({**members, name: f"[\n{lines}\n]\n".encode() if rows else b"[]\n"})


def test_what_we_pack_again_is_accepted(members: Members, person: Person, tmp_path: Path) -> None:
    """So that the other tests show what they change, and not how they pack."""
    (tmp_path / "same.zip").write_bytes(packed(resigned(members)))
    assert bundle.restore(tmp_path / "same.zip").as_json()["graphEqual"]


def test_a_changed_byte_of_any_member_is_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    dice = random.Random(4)
    for name, content in members.items():
        at = dice.randrange(len(content))
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        refused({**members, name: changed})


def test_a_changed_byte_of_the_file_is_refused_or_read_by_nobody(person: Person, tmp_path: Path) -> None:
    """A zip has bytes that no reader looks at, such as its times; whatever is read is signed."""
    fill(person)
    file = exported(person.user_id, tmp_path, sources=False)
    good, data, dice = contents(file), file.read_bytes(), random.Random(5)
    caught = 0
    for at in sorted(dice.sample(range(len(data)), 300)):
        file.write_bytes(data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :])
        try:
            with opened(file):
                assert contents(file) == good
        except EchoError:
            caught += 1
    assert caught > 200


def test_a_bundle_that_was_cut_off_is_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    data = packed(members)
    for end in (0, 10, len(data) // 2, len(data) - 1):
        refused(data[:end])
    refused(b"not a zip at all")


def test_members_that_are_missing_or_too_many_are_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    for name in members:
        refused({other: content for other, content in members.items() if other != name})
    refused({**members, "sources/00000000-0000-0000-0000-000000000000/original": b"x"})


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/passwd", "sources/../../evil", "sources/x/original", "README.txt\x00.exe", "readme.txt",
        "sources/00000000-0000-0000-0000-000000000000/other", "C:\\evil", "text-layers/./x.json", "persona.jsonld/",
    ],
)  # fmt: skip
def test_names_that_no_bundle_has_are_refused(members: Members, refused: Callable[..., EchoError], name: str) -> None:
    refused(resigned({**members, name: b"{}"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    sink = io.BytesIO(packed(members))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("traits.json", b"[]\n")
    refused(sink.getvalue())


def test_an_archive_that_unpacks_to_far_more_is_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    refused(resigned({**members, "README.txt": bytes(400 << 20)}), TooLarge)


def test_a_bundle_of_another_version_says_so(members: Members, refused: Callable[..., EchoError]) -> None:
    assert "version" in refused(resigned(members, version=2)).message
    refused(resigned(members, format="something else"))


def test_a_signature_of_another_key_or_another_manifest_is_refused(
    members: Members, refused: Callable[..., EchoError]
) -> None:
    other = resigned(members, userID="mallory")
    refused({**members, "manifest.json": other["manifest.json"]})
    refused({**members, "manifest.jws": other["manifest.jws"]})
    head, _, tail = members["manifest.jws"].decode().split(".")
    payload = other["manifest.jws"].decode().split(".")[1]
    refused({**members, "manifest.json": other["manifest.json"], "manifest.jws": f"{head}.{payload}.{tail}".encode()})
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    refused({**members, "manifest.json": other["manifest.json"], "manifest.jws": unsigned.encode()})
    for key in (
        b"{}",
        b"[]",
        b"null",
        b'{"kty":"OKP","crv":"Ed25519","x":"AAAA"}',
        b'{"kty":"oct","k":"AAAA","x":"A"}',
    ):
        refused({**members, "public-key.json": key})


def test_a_forged_quotation_is_dropped_and_counted(members: Members, person: Person, tmp_path: Path) -> None:
    forged = "Was born in Boston"

    def forge(rows: list[dict[str, Any]]) -> None:
        known = {row["candidateID"]: row["traitName"] for row in json.loads(members["candidates.json"])}
        for row in rows:
            if known[row["candidateID"]] == "Asks a lot of questions" and not row["counter"]:
                row["sha256"] = hashlib.sha256(forged.encode()).hexdigest()

    file = tmp_path / "forged.zip"
    file.write_bytes(packed(changed_rows(members, "evidence.json", forge)))
    restored = bundle.restore(file)
    assert restored.counts["evidenceDropped"] >= 3
    # Nothing is left that speaks for it, and the person had not decided on it.
    assert restored.counts["candidatesDropped"] == 1
    assert "Asks a lot of questions" not in {row.trait_name for row in person.candidates().values()}
    assert not restored.as_json()["graphEqual"]
    assert bundle.restore(file).unchanged


def test_words_that_are_not_the_persons_own_prove_nothing(members: Members, person: Person, tmp_path: Path) -> None:
    changed = dict(members)
    for name in [name for name in members if name.startswith("text-layers/")]:
        layer = json.loads(members[name])
        layer["segments"] = [[*row[:2], "quotation", *row[3:]] for row in layer["segments"]]
        changed[name] = json.dumps(layer).encode()
    file = tmp_path / "quoted.zip"
    file.write_bytes(packed(resigned(changed)))
    counts = bundle.restore(file).counts
    assert "evidenceProven" not in counts
    assert person.evidence() == []
    decided = {"confirmed_by_user", "refined_by_user", "rejected_by_user"}
    assert {row.status for row in person.candidates().values()} <= decided


def _set(field: str, value: object) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0][field] = value

    return change


STRANGE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("packages.json", "packageID", "../x"),
        ("packages.json", "packageID", STRANGE),
        ("packages.json", "sha256", "0" * 64),
        ("packages.json", "dataType", "spell"),
        ("packages.json", "metadata", "none"),
        ("packages.json", "file", "a\x00b"),
        ("packages.json", "sizeBytes", 2**80),
        ("packages.json", "createdAt", "yesterday"),
        ("packages.json", "createdAt", "2031-01-01T00:00:00"),
        ("text-layers.json", "packageID", STRANGE),
        ("runs.json", "runStatus", "flying"),
        ("steps.json", "packageID", STRANGE),
        ("candidates.json", "confidenceScore", "high"),
        ("candidates.json", "status", None),
        ("candidates.json", "traitKey", "x" * 300),
        ("candidates.json", "newEvidenceAgainst", 1),
        ("candidates.json", "invented", 1),
        ("contributions.json", "contribution", {}),
        ("evidence.json", "sourcePackageID", STRANGE),
        ("evidence.json", "locator", {"charStart": "a"}),
        ("decisions.json", "userDecision", "maybe"),
        ("decisions.json", "userConfidenceRating", 2**40),
        ("traits.json", "traitCategory", "Wizardry"),
        ("communication-styles.json", "preferences", {"a": "\x00"}),
        ("features.json", "modality", "smell"),
        ("features.json", "sourceUserDataPackageID", STRANGE),
    ],
)
def test_rows_that_cannot_be_are_refused_whoever_signed_them(
    members: Members, refused: Callable[..., EchoError], name: str, field: str, value: object
) -> None:
    refused(changed_rows(members, name, _set(field, value)), EchoError)


def test_ids_that_are_somebody_elses_are_refused(
    members: Members, refused: Callable[..., EchoError], person: Person
) -> None:
    other = Person()
    package_id = other.package()
    mine = json.loads(members["packages.json"])[0]["packageID"]
    stolen = {
        name.replace(mine, str(package_id)): content.replace(mine.encode(), str(package_id).encode())
        for name, content in members.items()
    }
    refused(resigned(stolen), Conflict)
    assert packages.owner_of(package_id) == other.user_id
    assert packages.layer_text(other.user_id, package_id) == WORDS


def test_members_that_are_no_arrays_of_rows_are_refused(members: Members, refused: Callable[..., EchoError]) -> None:
    for content in (b"", b"{}", b"[\n", b"[\n1\n]\n", b"[\nNaN\n]\n", b"[\n" + b"[" * 100_000, b"\xff"):
        refused(resigned({**members, "traits.json": content}))
