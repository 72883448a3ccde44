"""Out and in again: the same graph, the same traits, the same evidence, under fresh keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from sqlalchemy import insert, select

from app.consent import verify_chain
from app.database import transaction
from app.errors import Conflict, InvalidInput
from app.features import feature_store
from app.models import ConsentLedgerEntry, EvidenceSnippet, PackageKey, TextLayerRecord, UserDataPackage
from app.services import bundle, consents, packages, review, styles
from app.services.candidates import Query, list_candidates
from app.services.merge import merge
from app.services.verification import verify_evidence
from app.vault import new_package, open_package, signer
from tests.integration.bundles import contents, digest, exported, fill, member, packed, upload, wipe
from tests.integration.persona import WORDS, Person, dump, finding


def seen(user_id: str) -> dict[str, Any]:
    """What the person sees, all of it but the ledger's own times."""
    listed, _ = list_candidates(user_id, Query(limit=100))
    return {
        "candidates": listed,
        "traits": review.list_traits(user_id),
        "history": review.history(user_id),
        "styles": styles.get_styles(user_id),
        "packages": packages.listed(user_id),
        "graph": digest(user_id),
        "features": [packages.features(user_id, one["packageID"]) for one in packages.listed(user_id)[0]],
        "texts": sorted(packages.layer_text(user_id, one["packageID"]) for one in packages.listed(user_id)[0]),
        "consents": [
            {name: value for name, value in one.items() if name not in {"grantedAt", "revokedAt"}}
            for one in sorted(consents.listed(user_id), key=lambda one: one["consentTokenID"])
        ],
    }


@pytest.fixture
def full(person: Person) -> Person:
    fill(person)
    return person


def test_export_wipe_and_import_give_the_same_person_back(full: Person, tmp_path: Path) -> None:
    before, file = seen(full.user_id), exported(full.user_id, tmp_path)
    wipe(full.user_id, ledger=True)
    assert digest(full.user_id) != before["graph"]
    assert consents.listed(full.user_id) == []
    restored = bundle.restore(file)
    assert restored.as_json()["graphEqual"]
    assert restored.graph_digest == before["graph"] == member(file, "manifest.json")["graphDigest"]
    assert (restored.signed.ours, restored.signed.trusted, restored.unchanged) == (True, True, False)
    after = seen(full.user_id)
    for one in after["candidates"]:
        assert one["evidenceLeftOut"] == 0
    assert after == before
    with transaction() as connection:
        assert verify_chain(connection, full.user_id) == []


def test_every_piece_of_evidence_is_proven_again(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    number = len(full.evidence())
    wipe(full.user_id)
    counts = bundle.restore(file).counts
    assert counts["evidenceProven"] == counts["evidence"] == number
    assert "evidenceDropped" not in counts
    checked = verify_evidence(full.user_id)
    assert (checked.literal, checked.wrong) == (number, [])


def test_the_uploads_come_back_byte_by_byte_under_fresh_keys(full: Person, tmp_path: Path) -> None:
    def opened() -> dict[UUID, tuple[bytes, bytes]]:
        query = select(UserDataPackage.package_id, UserDataPackage.object_key, PackageKey.wrapped_key)
        query = query.join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
        with transaction() as connection:
            rows = connection.execute(query.where(UserDataPackage.user_id == full.user_id)).all()
        return {
            row.package_id: (row.wrapped_key, open_package(full.user_id, *row[::2]).get(row.object_key)) for row in rows
        }

    before, file = opened(), exported(full.user_id, tmp_path)
    wipe(full.user_id)
    bundle.restore(file)
    after = opened()
    assert after.keys() == before.keys()
    assert {data for _, data in after.values()} == {WORDS.encode()}
    assert all(after[package_id][0] != before[package_id][0] for package_id in before)
    assert WORDS[:40] not in dump()


def test_a_bundle_of_what_was_imported_is_the_same_bundle(full: Person, tmp_path: Path) -> None:
    """All that can be the same: the manifest has the time, the consents have a chain of their own."""
    first = exported(full.user_id, tmp_path)
    wipe(full.user_id)
    bundle.restore(first)
    second = contents(exported(full.user_id, tmp_path, name="second.zip"))
    changed = {name for name, content in contents(first).items() if content != second[name]}
    assert changed <= {"manifest.json", "manifest.jws"}
    assert second.keys() == contents(first).keys()


def test_importing_twice_changes_nothing(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    assert bundle.restore(file).unchanged
    wipe(full.user_id)
    bundle.restore(file)
    before = seen(full.user_id)
    again = bundle.restore(file)
    assert (again.unchanged, again.counts) == (True, {})
    assert again.as_json()["graphEqual"]
    assert seen(full.user_id) == before


def test_a_person_who_has_other_data_is_refused(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    merge(full.analysed(full.package(), finding("habit:new:high", "New")))
    before = seen(full.user_id)
    with pytest.raises(Conflict):
        bundle.restore(file)
    assert seen(full.user_id) == before


def test_another_person_cannot_take_a_bundle_over(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    with pytest.raises(InvalidInput):
        bundle.restore(file, user_id=Person().user_id)


def test_what_was_erased_is_not_brought_back(full: Person, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from app.models import Erasure

    file = exported(full.user_id, tmp_path)
    wipe(full.user_id)
    erasure = {"erasure_id": uuid4(), "user_id": full.user_id, "scope": "user", "package_ids": [], "run_ids": []}
    erasure |= {"state": "done", "stage": "receipt", "moved_at": datetime.now(UTC)}
    with transaction() as connection:
        connection.execute(insert(Erasure), erasure)
    with pytest.raises(Conflict):
        bundle.restore(file)
    assert packages.listed(full.user_id) == ([], 0)


def test_without_sources_the_places_stay_and_are_marked(full: Person, tmp_path: Path) -> None:
    before, file = seen(full.user_id), exported(full.user_id, tmp_path, sources=False)
    assert not [name for name in contents(file) if name.startswith(("sources/", "text-layers/"))]
    wipe(full.user_id)
    restored = bundle.restore(file)
    assert restored.as_json()["graphEqual"]
    assert restored.counts["evidenceUnproven"] == restored.counts["evidence"]
    assert {row.verified_by for row in full.evidence()} == {"unproven"}
    assert review.list_traits(full.user_id) == before["traits"]
    assert packages.listed(full.user_id) == before["packages"]
    with transaction() as connection:
        assert not connection.execute(select(PackageKey).where(PackageKey.user_id == full.user_id)).all()
    for one in list_candidates(full.user_id, Query(limit=100))[0]:
        assert one["supportingEvidenceSnippets"] == []
    # With the uploads it is another import, which would have to change what is there.
    with pytest.raises(Conflict):
        bundle.restore(_with_sources(full, tmp_path, file))


def _with_sources(person: Person, folder: Path, file: Path) -> Path:
    """A signed bundle that says it has sources."""
    from app.services.bundle.manifest import signed

    members = contents(file)
    manifest = json.loads(members["manifest.json"]) | {"sources": True}
    members["manifest.json"] = json.dumps(manifest).encode()
    members["manifest.jws"] = signed(members["manifest.json"], signer())
    (folder / "with.zip").write_bytes(packed(members))
    assert member(folder / "with.zip", "manifest.json")["userID"] == person.user_id
    return folder / "with.zip"


def test_a_later_analysis_goes_on_where_the_bundle_left_off(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    wipe(full.user_id)
    bundle.restore(file)
    package_id = packages.listed(full.user_id)[0][0]["packageID"]
    before = {key: row.candidate_id for key, row in full.candidates().items()}
    rivers = finding(
        "topic:rivers", "Rivers", category="Interest", claim_kind="stated", evidence=["a morning by the river"]
    )
    merge(full.analysed(package_id, rivers, finding()))
    after = {key: row.candidate_id for key, row in full.candidates().items()}
    assert before.items() <= after.items()
    assert "topic:rivers" in after
    assert [document["status"] for document in packages.features(full.user_id, package_id)] == ["success"]
    assert {row.status for row in full.candidates().values()} >= {"confirmed_by_user", "rejected_by_user"}


def test_open_runs_come_back_as_cancelled(full: Person, tmp_path: Path) -> None:
    package_id = full.package()
    upload(full, package_id, WORDS.encode())
    run_id = full.analysed(package_id, finding())
    file = exported(full.user_id, tmp_path)
    wipe(full.user_id)
    bundle.restore(file)
    assert full.run(run_id).state == "cancelled"
    assert str(full.run(run_id).phase) == "ended"


def test_what_stood_in_the_ledger_stays_as_it_is(full: Person, tmp_path: Path) -> None:
    file = exported(full.user_id, tmp_path)
    consents.revoke(full.user_id, full.consent)
    wipe(full.user_id)
    counts = bundle.restore(file).counts
    assert counts["consentsKnown"] == 2
    assert {one["status"] for one in consents.listed(full.user_id)} == {"revoked"}


def test_consents_that_nobody_vouches_for_are_recorded_and_ended(
    full: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.settings import settings

    file = exported(full.user_id, tmp_path)
    key = member(file, "public-key.json")
    wipe(full.user_id, ledger=True)
    pem = _another_key()
    monkeypatch.setenv("ECHO_SIGNING_KEY", pem)
    settings.cache_clear()
    try:
        restored = bundle.restore(file)
        assert (restored.signed.ours, restored.signed.trusted) == (False, False)
        assert restored.signed.key_id == key["kid"]
        assert {one["status"] for one in consents.listed(full.user_id)} == {"revoked"}
        assert str(full.consent) in {one["consentTokenID"] for one in consents.listed(full.user_id)}
        wipe(full.user_id, ledger=True)
        assert bundle.restore(file, trust=key).signed.trusted
        assert {one["status"] for one in consents.listed(full.user_id)} == {"active", "revoked"}
        with pytest.raises(InvalidInput):
            bundle.restore(file, trust=signer().public_jwk())
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def _another_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def test_an_empty_person_has_a_bundle_too(person: Person, tmp_path: Path) -> None:
    file = exported(person.user_id, tmp_path)
    assert set(member(file, "manifest.json")["counts"].values()) == {0}
    assert bundle.restore(file).as_json()["graphEqual"]


def test_what_a_failed_import_stored_outside_of_postgresql_is_taken_back(
    full: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.services.bundle import restoring
    from app.vault import object_store
    from app.vault.package import _folder

    file = exported(full.user_id, tmp_path)
    wipe(full.user_id)
    monkeypatch.setattr(restoring, "_known_contribution", lambda values: values["nothing of the kind"])
    with pytest.raises(InvalidInput):
        bundle.restore(file)
    for one in member(file, "packages.json"):
        assert [*object_store().list(_folder(full.user_id, UUID(one["packageID"])))] == []
        assert feature_store().of_package(full.user_id, UUID(one["packageID"])) == []
    assert packages.listed(full.user_id) == ([], 0)


def test_memory_is_bounded_however_much_there_is(person: Person) -> None:
    """300 packages of 256 kB and 10,000 pieces of evidence: the zip is some 80 MB, and little of it is held."""
    first = fill(person)
    data = bytes(range(256)) * 1024
    for _ in range(298):
        _plain_package(person, data)
    _many_rows(person, first)
    own = psutil.Process()
    chunks = bundle.export(person.user_id, sources=True).chunks
    total, largest, before, peak = len(next(chunks)), 0, own.memory_info().rss, 0
    for chunk in chunks:
        total += len(chunk)
        largest = max(largest, len(chunk))
        peak = max(peak, own.memory_info().rss)
    assert total > 298 * len(data)
    assert largest < 2 << 20
    assert peak - before < 32 << 20, peak - before


def _plain_package(person: Person, data: bytes) -> None:
    """An upload that nothing was read out of."""
    package_id = uuid4()
    vault = new_package(person.user_id, package_id)
    stored = vault.put_stream("original", iter([data]))
    row = {"package_id": package_id, "user_id": person.user_id, "consent_token_id": person.consent, "details": {}}
    row |= {"source_description": "", "file_name": "a.bin", "data_type": "unknown", "media_type": "x/y"}
    row |= {"size_bytes": stored.size, "sha256": stored.sha256, "object_key": stored.object_key}
    key = {"package_id": package_id, "user_id": person.user_id, "wrapped_key": vault.wrapped_key}
    with transaction() as connection:
        connection.execute(insert(UserDataPackage), row | {"request_fingerprint": ""})
        connection.execute(insert(PackageKey), key)


def _many_rows(person: Person, package_id: UUID) -> None:
    """Evidence that as JSON is several times what may be held."""
    (row, *_) = [row for row in person.evidence() if row.package_id == package_id]
    values = {**row._mapping}
    with transaction() as connection:
        for _ in range(10):
            rows = [{**values, "evidence_id": uuid4(), "position": 9} for _ in range(1000)]
            connection.execute(insert(EvidenceSnippet).values(rows))
        assert connection.execute(select(TextLayerRecord.text_layer_id).limit(1)).first()
        assert connection.execute(select(ConsentLedgerEntry.entry_id).limit(1)).first()
