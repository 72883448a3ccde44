"""`annotations.jsonld`: all evidence as W3C Web Annotations, with the person's words quoted from the vault."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from app.database import AnyRow
from app.errors import NotFound
from app.layers import TextLayer, digest
from app.services.bundle.linked import VOCABULARY, document, urn
from app.services.bundle.tables import EVIDENCE
from app.services.layers import load_layer
from app.vault import VaultError

#: Code points before and after a quotation, by which it is found again in a changed text.
AROUND = 32
#: Media Fragments URI 1.0, which gives `t=` its meaning.
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
CONTEXT: dict[str, Any] = {
    "oa": "http://www.w3.org/ns/oa#",
    "dcterms": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "echo": VOCABULARY,
    "id": "@id",
    "type": "@type",
    **{
        name: f"oa:{name}"
        for name in ("Annotation", "SpecificResource", "TextPositionSelector", "TextQuoteSelector", "FragmentSelector")
    },
    "body": {"@id": "oa:hasBody", "@type": "@id"},
    "target": {"@id": "oa:hasTarget", "@type": "@id"},
    "source": {"@id": "oa:hasSource", "@type": "@id"},
    "selector": {"@id": "oa:hasSelector", "@type": "@id"},
    "motivation": {"@id": "oa:motivatedBy", "@type": "@vocab"},
    "linking": "oa:linking",
    "questioning": "oa:questioning",
    "start": {"@id": "oa:start", "@type": "xsd:nonNegativeInteger"},
    "end": {"@id": "oa:end", "@type": "xsd:nonNegativeInteger"},
    "exact": "oa:exact",
    "prefix": "oa:prefix",
    "suffix": "oa:suffix",
    "value": "rdf:value",
    "conformsTo": {"@id": "dcterms:conformsTo", "@type": "@id"},
    "sourcePackageID": {"@id": "echo:sourcePackageID", "@type": "@id"},
    "sha256": "echo:sha256",
    "verifiedBy": "echo:verifiedBy",
    "label": "echo:label",
    "page": "echo:page",
}


def web_annotations(connection: Connection, user_id: str) -> Iterator[str]:
    """The document, piece by piece; each text layer is opened once, one at a time."""
    yield from document(CONTEXT, _items(connection, user_id))


def _items(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    for layer_id, pieces in groupby(EVIDENCE.rows(connection, user_id), lambda piece: piece.text_layer_id):
        layer = None
        if layer_id is not None:
            try:
                layer = load_layer(connection, user_id, layer_id)
            except (NotFound, VaultError):
                layer = None
        for piece in pieces:
            yield _annotation(piece, layer)


def _annotation(piece: AnyRow, layer: TextLayer | None) -> dict[str, Any]:
    return {
        "id": urn(piece.evidence_id),
        "type": "Annotation",
        "motivation": "questioning" if piece.counter else "linking",
        "body": urn(piece.candidate_id),
        "target": {
            "type": "SpecificResource",
            "source": urn(piece.text_layer_id or piece.package_id),
            "selector": [*_selectors(piece, layer)],
        },
        "sourcePackageID": urn(piece.package_id),
        "sha256": piece.sha256 or None,
        "verifiedBy": piece.verified_by,
        "label": piece.label or None,
        "page": piece.locator.get("page"),
    }


def _selectors(piece: AnyRow, layer: TextLayer | None) -> Iterator[dict[str, Any]]:
    """Positions always, in Unicode code points; the quotation only where the text still says it."""
    where = piece.locator
    start, end = where.get("charStart"), where.get("charEnd")
    if start is not None and end is not None:
        yield {"type": "TextPositionSelector", "start": start, "end": end}
        if layer is not None and digest(layer.text[start:end]) == piece.sha256:
            yield {
                "type": "TextQuoteSelector",
                "exact": layer.text[start:end],
                "prefix": layer.text[max(0, start - AROUND) : start],
                "suffix": layer.text[end : end + AROUND],
            }
    if (begin := where.get("startTime")) is not None:
        stop = where.get("endTime")
        yield {
            "type": "FragmentSelector",
            "conformsTo": MEDIA_FRAGMENTS,
            "value": f"t={begin}" if stop is None else f"t={begin},{stop}",
        }
