"""`consents.jsonld`: the person's consents as records of the W3C Data Privacy Vocabulary, with their ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from app.database import AnyRow
from app.models import ConsentLedgerEntry
from app.services.bundle.linked import VOCABULARY, XSD, document, moment, person_urn, urn

CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "echo": VOCABULARY,
    "xsd": XSD,
    "id": "@id",
    "type": "@type",
    "ConsentRecord": "dpv:ConsentRecord",
    "Process": "dpv:Process",
    "Purpose": "dpv:Purpose",
    "UntilTimeDuration": "dpv:UntilTimeDuration",
    "LedgerEntry": "echo:ConsentLedgerEntry",
    "identifier": "dct:identifier",
    "description": "dct:description",
    "hasDataSubject": {"@id": "dpv:hasDataSubject", "@type": "@id"},
    "hasLegalBasis": {"@id": "dpv:hasLegalBasis", "@type": "@id"},
    "hasConsentStatus": {"@id": "dpv:hasConsentStatus", "@type": "@id"},
    "hasProcess": {"@id": "dpv:hasProcess", "@type": "@id"},
    "hasPurpose": {"@id": "dpv:hasPurpose", "@type": "@id"},
    "hasDuration": {"@id": "dpv:hasDuration", "@type": "@id"},
    "isIndicatedAtTime": {"@id": "dpv:isIndicatedAtTime", "@type": "xsd:dateTime"},
    "until": {"@id": "rdf:value", "@type": "xsd:dateTime"},
    "scopes": {"@id": "echo:scopes", "@container": "@set"},
    "ledger": {"@id": "echo:ledger", "@container": "@list"},
    "sequence": "echo:sequence",
    "event": "echo:event",
    "recordedAt": {"@id": "echo:recordedAt", "@type": "xsd:dateTime"},
    "previousHash": "echo:previousHash",
    "hash": "echo:hash",
}


def consents(connection: Connection, user_id: str) -> Iterator[str]:
    """The document; a person has a handful of consents."""
    table = ConsentLedgerEntry.__table__
    entries: dict[UUID, list[AnyRow]] = {}
    for row in connection.execute(select(table).where(table.c.user_id == user_id).order_by(table.c.sequence)):
        entries.setdefault(row.consent_token_id, []).append(row)
    yield from document(CONTEXT, (_record(user_id, token, rows) for token, rows in entries.items()))


def _record(user_id: str, token: UUID, rows: list[AnyRow]) -> dict[str, Any]:
    granted = rows[0]
    return {
        "id": urn(token),
        "type": "ConsentRecord",
        "identifier": str(token),
        "hasDataSubject": person_urn(user_id),
        "hasLegalBasis": "dpv:Consent",
        "hasConsentStatus": _status(rows),
        "isIndicatedAtTime": moment(granted.recorded_at),
        "hasDuration": {"type": "UntilTimeDuration", "until": moment(granted.expires_at)}
        if granted.expires_at
        else None,
        "hasProcess": {"type": "Process", "hasPurpose": {"type": "Purpose", "description": granted.purpose}},
        "scopes": [*granted.scopes],
        "ledger": [
            {
                "type": "LedgerEntry",
                "sequence": row.sequence,
                "event": row.event,
                "recordedAt": moment(row.recorded_at),
                "previousHash": row.previous_hash,
                "hash": row.hash,
            }
            for row in rows
        ],
    }


def _status(rows: list[AnyRow]) -> str:
    if any(row.event == "revoke" for row in rows):
        return "dpv:ConsentWithdrawn"
    expires = rows[0].expires_at
    return "dpv:ConsentExpired" if expires and expires <= datetime.now(UTC) else "dpv:ConsentGiven"
