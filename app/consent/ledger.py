"""The append-only ledger under all consents: one hash chain per person.

Every entry's hash is SHA-256 over its canonical JSON, which includes the hash of the person's entry before it. A
changed, inserted or missing entry therefore shows; only the removal of a person's newest entries leaves a chain that is
whole, and PostgreSQL itself refuses that (trigger `append_only`, migration 0002).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from app.models import ConsentLedgerEntry

Event = Literal["grant", "revoke"]

#: What the first entry of a person follows on.
GENESIS = "0" * 64

_TABLE = ConsentLedgerEntry.__table__


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry that does not continue its person's chain.

    Attributes:
        user_id: whose chain.
        sequence: of the entry where it shows.
        what: "missing" (entries before this one are gone), "chain" (it follows on another entry than it says) or
            "content" (it was changed).
    """

    user_id: str
    sequence: int
    what: Literal["missing", "chain", "content"]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a person's chain, held for the transaction.

    Attributes:
        sequence: of the newest entry, 0 where there is none.
        hash: of the newest entry.
        now: PostgreSQL's clock: grants, expiries and revocations are told by this one clock.
    """

    sequence: int
    hash: str
    now: datetime


def digest(entry: dict[str, Any]) -> str:
    """SHA-256 of an entry's columns other than its row number and its own hash."""
    canonical = {
        "user_id": entry["user_id"],
        "sequence": entry["sequence"],
        "event": entry["event"],
        "consent_token_id": str(entry["consent_token_id"]),
        "scopes": sorted(entry["scopes"]),
        "purpose": entry["purpose"],
        "expires_at": _utc(entry["expires_at"]),
        "recorded_at": _utc(entry["recorded_at"]),
        "previous_hash": entry["previous_hash"],
    }
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def head(connection: Connection, user_id: str) -> Head:
    """Lock the person's chain until the transaction ends, and read its end.

    The lock is a statement of its own: the next one then sees what the holder before us committed.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"consent-ledger:{user_id}"}
    )
    now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    newest = connection.execute(
        select(_TABLE.c.sequence, _TABLE.c.hash)
        .where(_TABLE.c.user_id == user_id)
        .order_by(_TABLE.c.sequence.desc())
        .limit(1)
    ).first()
    return Head(newest.sequence, newest.hash, now) if newest else Head(0, GENESIS, now)


def append(
    connection: Connection,
    at: Head,
    *,
    user_id: str,
    event: Event,
    consent_token_id: UUID,
    scopes: Iterable[str],
    purpose: str,
    expires_at: datetime | None,
) -> None:
    """Write the entry that follows `at`; nothing is checked here."""
    entry: dict[str, Any] = {
        "user_id": user_id,
        "sequence": at.sequence + 1,
        "event": event,
        "consent_token_id": consent_token_id,
        "scopes": sorted(scopes),
        "purpose": purpose,
        "expires_at": expires_at,
        "recorded_at": at.now,
        "previous_hash": at.hash,
    }
    connection.execute(insert(ConsentLedgerEntry).values(**entry, hash=digest(entry)))


def verify_chain(connection: Connection, user_id: str | None = None) -> list[Broken]:
    """Check the chain of one person, or of everybody; memory stays bounded.

    Returns:
        What is broken, in order; empty where every chain is whole.
    """
    query = select(_TABLE).order_by(_TABLE.c.user_id, _TABLE.c.sequence)
    if user_id is not None:
        query = query.where(_TABLE.c.user_id == user_id)
    broken: list[Broken] = []
    person, sequence, previous = None, 0, GENESIS
    for row in connection.execution_options(yield_per=1000).execute(query):
        if row.user_id != person:
            person, sequence, previous = row.user_id, 0, GENESIS
        if row.sequence != sequence + 1:
            broken.append(Broken(row.user_id, row.sequence, "missing"))
        elif row.previous_hash != previous:
            broken.append(Broken(row.user_id, row.sequence, "chain"))
        if digest(row._asdict()) != row.hash:
            broken.append(Broken(row.user_id, row.sequence, "content"))
        sequence, previous = row.sequence, row.hash
    return broken
