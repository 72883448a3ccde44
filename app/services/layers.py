"""Text layers out of the vault: decrypted in memory, cached within bounds, never written."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from uuid import UUID

from sqlalchemy import Connection, select

from app.database import AnyRow
from app.errors import NotFound
from app.layers import TextLayer
from app.models import PackageKey, TextLayerRecord
from app.vault import open_package

#: Code points kept decrypted per process: about ten books.
CACHE_CHARACTERS = 4_000_000
#: Seconds that one is kept, however often it is used: what was erased is gone from every process by then at its next
#: use of the cache. It cannot be read in the meantime, since each look-up asks for the package's key in PostgreSQL.
CACHE_TTL_S = 900.0


class _Cache:
    """Least recently used layers, bounded by their summed length; one per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layers: OrderedDict[tuple[str, UUID, str], tuple[float, TextLayer]] = OrderedDict()
        self._characters = 0
        self._pid = os.getpid()

    def get(self, key: tuple[str, UUID, str]) -> TextLayer | None:
        with self._lock:
            self._forget_parents()
            self._forget_old()
            kept = self._layers.get(key)
            if kept is None:
                return None
            self._layers.move_to_end(key)
            return kept[1]

    def put(self, key: tuple[str, UUID, str], layer: TextLayer) -> None:
        with self._lock:
            self._forget_parents()
            self._forget_old()
            if key in self._layers or len(layer.text) > CACHE_CHARACTERS:
                return
            self._layers[key] = (time.monotonic() + CACHE_TTL_S, layer)
            self._characters += len(layer.text)
            while self._characters > CACHE_CHARACTERS:
                self._remove(next(iter(self._layers)))

    def drop(self, user_id: str) -> None:
        with self._lock:
            for key in [key for key in self._layers if key[0] == user_id]:
                self._remove(key)

    def _remove(self, key: tuple[str, UUID, str]) -> None:
        self._characters -= len(self._layers.pop(key)[1].text)

    def _forget_old(self) -> None:
        moment = time.monotonic()
        for key in [key for key, (until, _) in self._layers.items() if until <= moment]:
            self._remove(key)

    def _forget_parents(self) -> None:
        if self._pid != os.getpid():
            self._layers.clear()
            self._characters = 0
            self._pid = os.getpid()


_cache = _Cache()

_LAYERS = select(
    TextLayerRecord.text_layer_id,
    TextLayerRecord.user_id,
    TextLayerRecord.package_id,
    TextLayerRecord.object_key,
    TextLayerRecord.sha256,
    PackageKey.wrapped_key,
).join(PackageKey, PackageKey.package_id == TextLayerRecord.package_id)


def forget(user_id: str) -> None:
    """Drop this person's layers from this process's memory."""
    _cache.drop(user_id)


def remember(user_id: str, text_layer_id: UUID, sha256: str, layer: TextLayer) -> None:
    """Keep a layer that this process just made; the next lane of the package is likely to run here."""
    _cache.put((user_id, text_layer_id, sha256), layer)


def load_layer(connection: Connection, user_id: str, text_layer_id: UUID) -> TextLayer:
    """The decrypted text layer.

    Raises:
        NotFound: no such layer, or somebody else's.
    """
    row = connection.execute(_LAYERS.where(TextLayerRecord.text_layer_id == text_layer_id)).one_or_none()
    if row is None or row.user_id != user_id:
        raise NotFound("no such text layer")
    return _opened(row)


def load_main_layer(connection: Connection, user_id: str, package_id: UUID) -> tuple[UUID, TextLayer] | None:
    """Id and text of the layer with most of the person's own words; None where there is none, or no key to it."""
    row = connection.execute(
        _LAYERS.where(TextLayerRecord.package_id == package_id, TextLayerRecord.user_id == user_id)
        .order_by(TextLayerRecord.own_characters.desc(), TextLayerRecord.text_layer_id)
        .limit(1)
    ).one_or_none()
    return (row.text_layer_id, _opened(row)) if row else None


def _opened(row: AnyRow) -> TextLayer:
    key = (row.user_id, row.text_layer_id, row.sha256)
    layer = _cache.get(key)
    if layer is None:
        vault = open_package(row.user_id, row.package_id, row.wrapped_key)
        layer = TextLayer.from_json(json.loads(vault.get(row.object_key)))
        _cache.put(key, layer)
    return layer


def main_layer(connection: Connection, package_id: UUID) -> AnyRow | None:
    """The record of the layer with most of the person's own words, which interpreting analyzers read."""
    return connection.execute(
        select(TextLayerRecord.__table__)
        .where(TextLayerRecord.package_id == package_id)
        .order_by(TextLayerRecord.own_characters.desc(), TextLayerRecord.text_layer_id)
        .limit(1)
    ).one_or_none()
