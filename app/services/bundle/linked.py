"""JSON-LD as we write it: the context within the document, so that no reader asks the network; an item a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.database import UNSTORABLE, stable_id

#: Namespace of our own words; those of design.md section 2.
VOCABULARY = "urn:echosphere:vocabulary#"
XSD = "http://www.w3.org/2001/XMLSchema#"


def urn(identity: UUID | str) -> str:
    """An id of ours as an IRI."""
    return f"urn:uuid:{identity}"


def person_urn(user_id: str) -> str:
    """The person as an IRI: their own id may hold characters that an IRI may not."""
    return urn(stable_id("person", user_id))


def lines(items: Iterable[object]) -> Iterator[str]:
    """A JSON array, an item a line."""
    separator = "[\n"
    for item in items:
        yield f"{separator}{json.dumps(item, separators=(',', ':'))}"
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def document(context: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON-LD document: its context on the first line, and the items below `@graph`; what is None is left out."""
    yield f'{{"@context":{json.dumps(context, separators=(",", ":"))},"@graph":'
    yield from lines(_known(item) for item in items)
    yield "}\n"


def _known(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case dict():
            return {name: _known(item) for name, item in value.items() if item is not None and item != []}
        case list():
            return [_known(item) for item in value]
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case _:
            return value


def moment(value: datetime | None) -> str | None:
    """A time as xsd:dateTime."""
    return value.astimezone(UTC).isoformat() if value else None
