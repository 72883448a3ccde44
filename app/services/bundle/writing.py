"""Writing a bundle: one zip that is never whole in memory nor on disk, from one snapshot of the database."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, text

from app.database import transaction
from app.features import feature_store
from app.models import PackageKey, TextLayerRecord, UserDataPackage
from app.pkg import Graph
from app.services.bundle.annotations import web_annotations
from app.services.bundle.consents import consents
from app.services.bundle.graphs import cypher, graphml
from app.services.bundle.linked import lines
from app.services.bundle.manifest import MANIFEST, PUBLIC_KEY, README, SIGNATURE, Member, manifest, signed
from app.services.bundle.person import persona
from app.services.bundle.provenance import provenance
from app.services.bundle.tables import BATCH, TABLES
from app.services.drawing import draw
from app.vault import open_package, signer

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Bytes that are handed on at once.
CHUNK = 64 * 1024
#: Bytes from which a member gets the wider fields of ZIP64; the narrow ones end at 2 GiB.
_LARGE = 1 << 30
#: Packed bytes of a row and of a code point of a text layer, on average; for a progress bar.
_ROW_BYTES, _CHARACTER_BYTES = 120, 0.6


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle about to be written.

    Attributes:
        expected_bytes: about how large it will be.
        chunks: the zip, piece by piece; closing it early ends the transaction behind it and leaves nothing.
    """

    expected_bytes: int
    chunks: Iterator[bytes] = field(repr=False)


@dataclass(slots=True)
class _Piece:
    """A member to be written.

    Attributes:
        name: path in the zip.
        content: bytes or text, piece by piece.
        size: where it is known before.
        packed: whether packing is worth it.
    """

    name: str
    content: Iterable[bytes | str]
    size: int = 0
    packed: bool = True


def export(user_id: str, *, sources: bool = False) -> Export:
    """Begin a bundle of all that is known of a person.

    Args:
        user_id: whose.
        sources: with the uploads and their texts.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.
        Misconfigured: it could not be signed.
    """
    signer()
    with transaction() as connection:
        expected = _expected(connection, user_id, sources=sources)
    return Export(expected, _chunks(user_id, sources=sources))


def _expected(connection: Connection, user_id: str, *, sources: bool) -> int:
    rows = sum(table.count(connection, user_id) for table in TABLES)
    size = len(README) + rows * _ROW_BYTES
    if sources:
        bytes_ = func.coalesce(func.sum(UserDataPackage.size_bytes), 0)
        characters = func.coalesce(func.sum(TextLayerRecord.characters), 0)
        size += int(connection.execute(select(bytes_).where(UserDataPackage.user_id == user_id)).scalar_one())
        found = connection.execute(select(characters).where(TextLayerRecord.user_id == user_id)).scalar_one()
        size += int(found * _CHARACTER_BYTES)
    return size


def _chunks(user_id: str, *, sources: bool) -> Iterator[bytes]:
    archive = _Archive()
    with transaction() as connection:
        # One snapshot for all members, so that they fit together whatever happens meanwhile.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        drawn = draw(connection, user_id)
        for piece in _pieces(connection, user_id, drawn, sources=sources):
            yield from archive.write(piece)
        yield from archive.write(_Piece("graph.graphml", graphml(drawn)))
        yield from archive.write(_Piece("graph.cypher", cypher(drawn, user_id)))
        counts = {table.name: table.count(connection, user_id) for table in TABLES}
    content = manifest(user_id, archive.members, counts, sources=sources, graph_digest=drawn.digest())
    own = signer()
    for name, proof in (
        (MANIFEST, content),
        (PUBLIC_KEY, json.dumps(own.public_jwk(), indent=1).encode()),
        (SIGNATURE, signed(content, own)),
    ):
        yield from archive.write(_Piece(name, [proof]))
    yield archive.end()


def _pieces(connection: Connection, user_id: str, drawn: Graph, *, sources: bool) -> Iterator[_Piece]:
    yield _Piece("README.txt", [README])
    yield _Piece("persona.jsonld", persona(connection, user_id, drawn))
    yield _Piece("provenance.jsonld", provenance(connection, user_id))
    yield _Piece("annotations.jsonld", web_annotations(connection, user_id))
    yield _Piece("consents.jsonld", consents(connection, user_id))
    for table in TABLES:
        yield _Piece(table.member, lines(map(table.as_json, table.rows(connection, user_id))))
    yield _Piece("features.json", lines(_features(connection, user_id)))
    if sources:
        yield from _sources(connection, user_id)


def _features(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    """Raw features, a package at a time."""
    query = select(UserDataPackage.package_id).where(UserDataPackage.user_id == user_id)
    query = query.order_by(UserDataPackage.created_at, UserDataPackage.package_id)
    for package_id in connection.execute(query.execution_options(yield_per=BATCH)).scalars():
        for document in feature_store().of_package(user_id, package_id, connection):
            yield document.as_json()


def _sources(connection: Connection, user_id: str) -> Iterator[_Piece]:
    """Uploads and their texts out of the vault; those whose key was destroyed are gone, here too."""
    query = (
        select(
            UserDataPackage.package_id, UserDataPackage.object_key, UserDataPackage.size_bytes, PackageKey.wrapped_key
        )
        .join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
        .where(UserDataPackage.user_id == user_id)
        .order_by(UserDataPackage.created_at, UserDataPackage.package_id)
    )
    for package in connection.execute(query.execution_options(yield_per=BATCH)):
        vault = open_package(user_id, package.package_id, package.wrapped_key)
        yield _Piece(
            f"sources/{package.package_id}/original", vault.stream(package.object_key), package.size_bytes, packed=False
        )
        layers = select(TextLayerRecord.text_layer_id, TextLayerRecord.object_key)
        layers = layers.where(TextLayerRecord.package_id == package.package_id).order_by(TextLayerRecord.text_layer_id)
        for layer in connection.execute(layers).all():
            yield _Piece(f"text-layers/{layer.text_layer_id}.json", vault.stream(layer.object_key))


class _Archive:
    """A zip in the making.

    Attributes:
        members: what was written so far.
    """

    def __init__(self) -> None:
        self.members: list[Member] = []
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w")

    def write(self, piece: _Piece) -> Iterator[bytes]:
        """Write a member, and hand on what is packed so far."""
        entry = zipfile.ZipInfo(piece.name, time.gmtime()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED if piece.packed else zipfile.ZIP_STORED
        entry.external_attr = 0o600 << 16
        size, digest = 0, hashlib.sha256()
        with self._zip.open(entry, "w", force_zip64=piece.size > _LARGE) as member:
            for content in piece.content:
                data = content.encode() if isinstance(content, str) else content
                size += len(data)
                digest.update(data)
                member.write(data)
                if self._sink.waiting >= CHUNK:
                    yield self._sink.drain()
        self.members.append(Member(piece.name, size, digest.hexdigest()))

    def end(self) -> bytes:
        """The rest, with the list of members that a zip ends with."""
        self._zip.close()
        return self._sink.drain()


class _Sink(io.RawIOBase):
    """Where the zip writer writes to, and what is sent is taken from; it cannot be wound back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        part = bytes(data)
        self._parts.append(part)
        self.waiting += len(part)
        return len(part)

    def drain(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        self.waiting = 0
        return taken
