"""Canaries: words of what is to be erased, kept encrypted until the receipt says that no store holds them.

They are never logged. Only what marks its package is taken: long enough not to be anybody's, of one line and without
characters that JSON, SQL or a log would write otherwise.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, select

from app.database import AnyRow, transaction
from app.errors import EchoError, StoreUnavailable
from app.layers import TextLayer
from app.models import EvidenceSnippet, TextLayerRecord, UserDataPackage
from app.services.erasing.state import among
from app.services.layers import forget, load_layer
from app.vault import master_keyring

log = structlog.get_logger()

#: Bounds of the collection: packages, text layers of each, code points, seconds, canaries in all.
MOST_PACKAGES, MOST_LAYERS, MOST_CHARACTERS, MOST_SECONDS, MOST = 40, 3, 3_000_000, 3.0, 300
#: Phrases of a text layer, and pieces of evidence of one.
PHRASES = 5
#: Code points of a phrase.
SHORTEST, LONGEST = 24, 40
_PLAIN = re.compile(rf"[^\x00-\x1f\"'\\<>&\ud800-\udfff]{{{SHORTEST},}}")
_NAME = re.compile(r"[^\x00-\x1f\"'\\<>&\ud800-\udfff]{8,}")


def collect(user_id: str, package_ids: Sequence[UUID]) -> list[str]:
    """Names, descriptions, phrases and shown evidence of these packages, as far as they can be read within bounds.

    What cannot be opened adds no phrases; an erasure does not fail for that.
    """
    with transaction() as connection:
        packages = connection.execute(
            select(UserDataPackage.__table__)
            .where(UserDataPackage.user_id == user_id, among(UserDataPackage.package_id, package_ids))
            .limit(MOST_PACKAGES)
        ).all()
        found = _names(packages)
        found += _words(connection, user_id, [row.package_id for row in packages])
    forget(user_id)
    return [*dict.fromkeys(found)][:MOST]


def sealed(erasure_id: UUID, words: Sequence[str]) -> bytes | None:
    """The canaries as only the master key ring opens them; None where it cannot be used now."""
    try:
        return master_keyring().wrap(json.dumps([*words]).encode(), {"erasure": str(erasure_id)})
    except EchoError as error:
        log.warning("canaries_not_kept", erasure=str(erasure_id), error=type(error).__name__)
        return None


def opened(erasure: AnyRow) -> list[str]:
    """The canaries of an erasure; none where they cannot be opened any more.

    Raises:
        StoreUnavailable: the key service does not answer.
    """
    if erasure.canaries is None:
        return []
    try:
        held = master_keyring().unwrap(bytes(erasure.canaries), {"erasure": str(erasure.erasure_id)})
    except StoreUnavailable:
        raise
    except EchoError as error:
        log.warning("canaries_unreadable", erasure=str(erasure.erasure_id), error=type(error).__name__)
        return []
    return [str(word) for word in json.loads(held)]


def phrases(text: str, most: int = PHRASES) -> list[str]:
    """Stretches of 24 to 40 characters, spread over the text."""
    lines = [*_PLAIN.finditer(text)]
    step = max(1, len(lines) // most)
    return [_cut(line.group().strip()) for line in lines[::step][:most] if len(line.group().strip()) >= SHORTEST]


def _cut(line: str) -> str:
    whole_words = line[: LONGEST + 1].rpartition(" ")[0]
    return whole_words if len(line) > LONGEST and len(whole_words) >= SHORTEST else line[:LONGEST]


def _names(packages: Iterable[AnyRow]) -> list[str]:
    """What the packages are called."""
    said = [name for row in packages for name in (row.file_name, row.source_description, *_texts(row.details)) if name]
    return [match.group().strip() for name in said if (match := _NAME.search(name))]


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Longer texts in a client's own metadata."""
    match value:
        case str():
            return [value] if len(value) >= SHORTEST else []
        case dict():
            return [text for part in value.values() for text in _texts(part)]
        case list():
            return [text for part in value for text in _texts(part)]
        case _:
            return []


def _words(connection: Connection, user_id: str, package_ids: Sequence[UUID]) -> list[str]:
    found: list[str] = []
    until, characters = time.monotonic() + MOST_SECONDS, 0
    records = connection.execute(
        select(TextLayerRecord.text_layer_id, TextLayerRecord.characters)
        .where(among(TextLayerRecord.package_id, package_ids), TextLayerRecord.user_id == user_id)
        .order_by(TextLayerRecord.package_id, TextLayerRecord.own_characters.desc())
        .limit(MOST_PACKAGES * MOST_LAYERS)
    ).all()
    for record in records:
        characters += record.characters
        if time.monotonic() > until or characters > MOST_CHARACTERS:
            break
        try:
            layer = load_layer(connection, user_id, record.text_layer_id)
        except StoreUnavailable:
            break
        except EchoError as error:
            log.warning("layer_unreadable", layer=str(record.text_layer_id), error=type(error).__name__)
            continue
        found += phrases("\n".join(layer.text[start:end] for start, end in layer.own_spans()))
        found += _shown(connection, user_id, record.text_layer_id, layer)
    return found


def _shown(connection: Connection, user_id: str, layer_id: UUID, layer: TextLayer) -> list[str]:
    """Passages that were shown as evidence."""
    places = connection.execute(
        select(EvidenceSnippet.locator)
        .where(EvidenceSnippet.text_layer_id == layer_id, EvidenceSnippet.user_id == user_id)
        .order_by(EvidenceSnippet.evidence_id)
        .limit(PHRASES)
    ).scalars()
    return [word for one in places for word in phrases(layer.text[one["charStart"] : one["charEnd"]], 1)]
