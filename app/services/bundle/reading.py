"""Reading a bundle that anybody may have made: nothing of it is believed before all of it is checked."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import InvalidInput, TooLarge
from app.services.bundle.manifest import FORMAT, FORMAT_VERSION, MANIFEST, PUBLIC_KEY, SIGNATURE, claim
from app.services.bundle.tables import LATER, TABLES
from app.vault import signer, verified

#: Members at most: ten thousand uploads with several texts each.
MAX_MEMBERS = 100_000
#: Bytes of the three members that prove the rest, of a text layer, and of any other member but an upload.
MAX_PROOF_BYTES, MAX_LAYER_BYTES, MAX_MEMBER_BYTES = 64 << 20, 512 << 20, 8 << 30
#: Bytes of one row. The largest hold features of one analyzer.
MAX_ROW_BYTES = 64 << 20
#: How much larger than the file all of it may be; texts pack to a fifth. Below the slack the ratio says nothing.
MAX_RATIO, RATIO_SLACK = 100, 64 << 20
#: Bytes that are read at once.
CHUNK = 1 << 20

_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ORIGINAL = re.compile(f"sources/({_ID})/original")
LAYER = re.compile(rf"text-layers/({_ID})\.json")
#: Members that every bundle has besides its proof.
ALWAYS = frozenset(
    {
        "README.txt", "persona.jsonld", "provenance.jsonld", "annotations.jsonld", "consents.jsonld", "features.json",
        "graph.graphml", "graph.cypher", *(table.member for table in TABLES if table.member not in LATER),
    }
)  # fmt: skip
PROOF = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
#: Of a zip entry's flags: encrypted.
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed a bundle.

    Attributes:
        key_id: names the public key.
        ours: it is this installation's own.
        trusted: it is ours, or the one that the caller demanded.
    """

    key_id: str
    ours: bool
    trusted: bool


class Reader:
    """A bundle whose signature and hashes hold.

    Attributes:
        manifest: as signed.
        signed: by whom.
    """

    def __init__(self, archive: zipfile.ZipFile, file_bytes: int, trust: dict[str, Any] | None) -> None:
        self._archive = archive
        self._entries = _checked(archive, file_bytes)
        content = self._whole(MANIFEST)
        self.signed = self._signature(content, trust)
        self.manifest = _read_manifest(content)
        self._hashes()

    @property
    def user_id(self) -> str:
        """Whose it is."""
        return str(self.manifest["userID"])

    @property
    def sources(self) -> bool:
        """Whether the uploads are in it."""
        return self.manifest["sources"] is True

    def rows(self, name: str) -> Iterator[Any]:
        """The items of an array that has one a line; none of a member that older bundles do not have.

        Raises:
            InvalidInput: it is no such array.
        """
        if name in LATER and not self.has(name):
            return
        with self._archive.open(name) as member:
            line = member.readline(MAX_ROW_BYTES)
            if name.endswith(".jsonld"):
                line = line.rpartition(b'"@graph":')[2]
            if line.strip() == b"[]":
                return
            if line.strip() != b"[":
                raise InvalidInput("a member of the bundle is no array of one row a line", member=name)
            while (line := member.readline(MAX_ROW_BYTES)).strip() not in {b"]", b"]}"}:
                try:
                    yield json.loads(line.strip().removesuffix(b","), parse_constant=_refuse)
                except (ValueError, RecursionError):
                    raise InvalidInput("a row of the bundle is no JSON", member=name) from None

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, piece by piece."""
        with self._archive.open(name) as member:
            while piece := member.read(CHUNK):
                yield piece

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._entries

    def document(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """A whole member as JSON.

        Raises:
            InvalidInput: it is none.
        """
        return _json(b"".join(self.pieces(name)), name)

    def _whole(self, name: str) -> bytes:
        if name not in self._entries or self._entries[name].file_size > MAX_PROOF_BYTES:
            raise InvalidInput("this is no bundle: its manifest, signature or key is missing", member=name)
        return b"".join(self.pieces(name))

    def _signature(self, content: bytes, trust: dict[str, Any] | None) -> Signed:
        own = signer().public_jwk()
        key = trust or _json(self._whole(PUBLIC_KEY), PUBLIC_KEY)
        if not isinstance(key, dict) or not isinstance(key.get("x"), str):
            raise InvalidInput("the public key is no Ed25519 key")
        said = verified(self._whole(SIGNATURE).decode("ascii", "replace"), key)
        if said != claim(content):
            raise InvalidInput("the signature is of another manifest: the bundle was changed")
        ours = key["x"] == own["x"]
        return Signed(hashlib.sha256(_raw(key["x"])).hexdigest()[:16], ours, ours or trust is not None)

    def _hashes(self) -> None:
        listed = {member["name"]: member for member in self.manifest["members"]}
        if len(listed) != len(self.manifest["members"]) or listed.keys() | PROOF != self._entries.keys():
            raise InvalidInput("the bundle holds other members than its manifest lists")
        for name, member in listed.items():
            digest = hashlib.sha256()
            for piece in self.pieces(name):
                digest.update(piece)
            if digest.hexdigest() != member["sha256"] or self._entries[name].file_size != member["size"]:
                raise InvalidInput("a member of the bundle was changed: its hash is another", member=name)


@contextmanager
def opened(file: Path, trust: dict[str, Any] | None = None) -> Iterator[Reader]:
    """A bundle, checked.

    Args:
        file: the zip.
        trust: the public key (JWK) that must have signed it; without one, any key, and `Reader.signed` says whose.

    Raises:
        InvalidInput: it is no bundle, or was changed.
        TooLarge: it unpacks to more than a bundle would.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            yield Reader(archive, file.stat().st_size, trust)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, UnicodeError) as error:
        raise InvalidInput("this is no bundle, or it was cut off or changed: export it again") from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]  # zipfile lets zlib's own errors through
        raise InvalidInput("a member of the bundle does not unpack: it was changed") from error


def _checked(archive: zipfile.ZipFile, file_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, where names, kinds and declared sizes are those of a bundle."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise TooLarge("the archive has more members than a bundle would")
    if sum(entry.file_size for entry in entries) > MAX_RATIO * file_bytes + RATIO_SLACK:
        raise TooLarge("the archive unpacks to far more than it is: that is no bundle")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        # The name as it stands in the file: `filename` ends at a NUL and has separators replaced.
        name = entry.orig_filename
        allowed = name in ALWAYS | LATER | PROOF or ORIGINAL.fullmatch(name) or LAYER.fullmatch(name)
        if not allowed or name != entry.filename or name in found or entry.flag_bits & _ENCRYPTED:
            raise InvalidInput("the archive has a member that no bundle has, or one twice")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInput("the archive has a member that is packed in a way that no bundle is")
        if entry.file_size > (MAX_LAYER_BYTES if LAYER.fullmatch(name) else MAX_MEMBER_BYTES):
            raise TooLarge("a member of the archive is larger than any of a bundle")
        found[name] = entry
    if missing := (ALWAYS | PROOF) - found.keys():
        raise InvalidInput("this is no bundle: members are missing", missing=sorted(missing))
    return found


def _read_manifest(content: bytes) -> dict[str, Any]:
    manifest = _json(content, MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InvalidInput("this is no bundle: its manifest says something else")
    if manifest.get("version") != FORMAT_VERSION:
        raise InvalidInput(
            f"the bundle has another format version than {FORMAT_VERSION}: use a newer EchoSphere",
            version=manifest.get("version"),
        )
    members = manifest.get("members")
    if not isinstance(members, list) or not all(
        isinstance(member, dict) and member.keys() == {"name", "size", "sha256"} for member in members
    ):
        raise InvalidInput("the bundle's manifest lists no members")
    if not isinstance(manifest.get("userID"), str) or not isinstance(manifest.get("graphDigest"), str):
        raise InvalidInput("the bundle's manifest does not say whose it is")
    return manifest


def _json(content: bytes, name: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidInput("a member of the bundle is no JSON", member=name) from None


def _refuse(_constant: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _raw(text: str) -> bytes:
    from jwt.utils import base64url_decode  # noqa: PLC0415 - only where a bundle is read

    return base64url_decode(text)
