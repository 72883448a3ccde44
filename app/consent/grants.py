"""Granting, listing and revoking consent, the gate, and the check that everything asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, select, text

from app.consent import ledger
from app.consent.scopes import checked, covers
from app.database import UNSTORABLE
from app.errors import InvalidInput, NotFound
from app.models import ConsentLedgerEntry

Standing = Literal["active", "expired", "revoked"]
#: Why a consent covers nothing at all: no such token of this person, or it has ended.
Ended = Literal["unknown", "revoked", "expired"]
#: What `/internal/consent/v1/verify` gives as reasons.
REASONS: dict[str, Ended | Literal["not_covered"]] = {why: why for why in (*get_args(Ended), "not_covered")}

MAX_PURPOSE = 2000

_TABLE = ConsentLedgerEntry.__table__


@dataclass(frozen=True, slots=True)
class Consent:
    """A grant as the ledger tells it.

    Attributes:
        consent_token_id: what uploads and runs name.
        user_id: who granted it.
        scopes: what it covers; `app.consent.scopes` says how.
        purpose: what for, in the words that were shown to the person.
        expires_at: when it ends by itself; None where it does not.
        granted_at: when it was given.
        revoked_at: when it was taken back; None where it was not.
    """

    consent_token_id: UUID
    user_id: str
    scopes: frozenset[str]
    purpose: str
    expires_at: datetime | None
    granted_at: datetime
    revoked_at: datetime | None = None

    def status(self, now: datetime | None = None) -> Standing:
        """Where it stands; a revoked one stays revoked after its expiry."""
        if self.revoked_at is not None:
            return "revoked"
        ended = self.expires_at is not None and self.expires_at <= (now or datetime.now(UTC))
        return "expired" if ended else "active"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a consent covers a scope now.

    Attributes:
        is_valid: it does.
        reason: None, or why not: "unknown" (no such token of this person), "revoked", "expired", "not_covered", or
            "unanswered" (a remote consent service said nothing).
    """

    is_valid: bool
    reason: Ended | Literal["not_covered", "unanswered"] | None = None


def _gate_name(user_id: str) -> str:
    return f"consent-gate:{user_id}"


def _gate(connection: Connection, user_id: str, function: str) -> None:
    connection.execute(text(f"SELECT {function}(hashtextextended(:name, 0))"), {"name": _gate_name(user_id)})


def gate_shared(connection: Connection, user_id: str) -> None:
    """Hold the person's gate open until the transaction ends; a revocation waits for it (faults.md, promise 9).

    Call it as the transaction's first statement, before any row is locked, and ask `covered` afterwards: that statement
    then sees every revocation that committed, and none can commit before this transaction does. READ COMMITTED is
    required: a snapshot taken earlier would not show the revocation that was waited for.
    """
    _gate(connection, user_id, "pg_advisory_xact_lock_shared")


def gate_exclusive(connection: Connection, user_id: str) -> None:
    """Close the person's gate until the transaction ends: waits for the steps that hold it, and keeps others out."""
    _gate(connection, user_id, "pg_advisory_xact_lock")


def grant(
    connection: Connection, user_id: str, scopes: Iterable[str], purpose: str, expires_at: datetime | None
) -> Consent:
    """Append a grant to the ledger.

    Args:
        connection: within a transaction.
        user_id: who consents.
        scopes: 1 to 50 scopes.
        purpose: 1 to 2000 characters, not blank.
        expires_at: an aware time in the future, or None.

    Raises:
        InvalidInput: any of these is not so.
    """
    wanted = checked(scopes)
    if not purpose.strip() or len(purpose) > MAX_PURPOSE or UNSTORABLE.search(purpose):
        raise InvalidInput(
            f"`purpose` must be 1 to {MAX_PURPOSE} characters of text, without NUL or half characters", field="purpose"
        )
    until = _aware(expires_at)
    end = ledger.head(connection, user_id)
    if until is not None and until <= end.now:
        raise InvalidInput("`expiresAt` is not in the future: name a later time, or leave it out", field="expiresAt")
    token = uuid4()
    ledger.append(
        connection,
        end,
        user_id=user_id,
        event="grant",
        consent_token_id=token,
        scopes=wanted,
        purpose=purpose,
        expires_at=until,
    )
    return Consent(token, user_id, wanted, purpose, until, end.now)


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
    except OverflowError:
        pass
    raise InvalidInput(
        "`expiresAt` must be a time with its offset, for instance 2030-01-31T00:00:00Z", field="expiresAt"
    )


def _consents(connection: Connection, user_id: str, consent_token_id: UUID | None = None) -> list[Consent]:
    """The person's consents, newest first."""
    query = select(_TABLE).where(_TABLE.c.user_id == user_id).order_by(_TABLE.c.sequence)
    if consent_token_id is not None:
        query = query.where(_TABLE.c.consent_token_id == consent_token_id)
    grants: dict[UUID, Row[tuple[object, ...]]] = {}
    revocations: dict[UUID, datetime] = {}
    for row in connection.execute(query):
        if row.event == "grant":
            grants[row.consent_token_id] = row
        else:
            revocations[row.consent_token_id] = row.recorded_at
    return [
        Consent(
            token, user_id, frozenset(row.scopes), row.purpose, row.expires_at, row.recorded_at, revocations.get(token)
        )
        for token, row in reversed(grants.items())
    ]


def listed(connection: Connection, user_id: str) -> list[Consent]:
    """All consents the person ever gave, newest first, ended ones included."""
    return _consents(connection, user_id)


def revoke(connection: Connection, user_id: str, consent_token_id: UUID) -> Consent:
    """Append a revocation; revoking twice is the same as once.

    Takes the exclusive gate: when this transaction commits, no step is between its check and its claim, and none
    begins later. Call it before any row is locked.

    Raises:
        NotFound: no such consent of this person.
    """
    gate_exclusive(connection, user_id)
    end = ledger.head(connection, user_id)
    found = _consents(connection, user_id, consent_token_id)
    if not found:
        raise NotFound("no such consent: GET /v1/users/{userID}/consents lists those there are")
    consent = found[0]
    if consent.revoked_at is not None:
        return consent
    ledger.append(
        connection,
        end,
        user_id=user_id,
        event="revoke",
        consent_token_id=consent_token_id,
        scopes=consent.scopes,
        purpose=consent.purpose,
        expires_at=consent.expires_at,
    )
    return replace(consent, revoked_at=end.now)


_ENTRIES = """
    SELECT event, scopes, coalesce(expires_at <= clock_timestamp(), false) AS expired
    FROM consent_ledger WHERE user_id = :user_id AND consent_token_id = :token
"""
#: The gate, and then what the ledger says: one round trip, and yet two statements, since the second one's snapshot has
#: to be taken when the gate is held. In a simple query each statement takes its own.
_GATED = """
    SELECT pg_advisory_xact_lock_shared(hashtextextended(:gate, 0)),
           CASE WHEN :relaxed THEN set_config('synchronous_commit', 'off', true) END;
"""
_READ, _READ_GATED = text(_ENTRIES), text(_GATED + _ENTRIES)


def _standing(
    connection: Connection, user_id: str, consent_token_id: UUID, *, gated: bool = False, relaxed: bool = False
) -> tuple[frozenset[str], Ended | None]:
    """What a token covers now, and why nothing where it covers nothing; one round trip."""
    about = {"user_id": user_id, "token": consent_token_id}
    if gated:
        rows = connection.execute(_READ_GATED, {**about, "gate": _gate_name(user_id), "relaxed": relaxed}).all()
    else:
        rows = connection.execute(_READ, about).all()
    granted = next((row for row in rows if row.event == "grant"), None)
    if granted is None:
        return frozenset(), "unknown"
    if len(rows) > 1:
        return frozenset(), "revoked"
    if granted.expired:
        return frozenset(), "expired"
    return frozenset(granted.scopes), None


def verdicts(
    connection: Connection,
    user_id: str,
    consent_token_id: UUID,
    scopes: Iterable[str],
    *,
    gated: bool = False,
    relaxed: bool = False,
) -> dict[str, Verdict]:
    """Whether this person's consent covers each scope now, as our ledger has it, and why not.

    Args:
        connection: within a transaction.
        user_id: who consented.
        consent_token_id: to what.
        scopes: that are needed.
        gated: take `gate_shared` first, in the same round trip.
        relaxed: with `gated`, do as `app.database.relaxed` too.
    """
    granted, ended = _standing(connection, user_id, consent_token_id, gated=gated, relaxed=relaxed)
    return {
        scope: Verdict(is_valid=True)
        if covers(granted, scope)
        else Verdict(is_valid=False, reason=ended or "not_covered")
        for scope in scopes
    }


def verify(connection: Connection, user_id: str, consent_token_id: UUID, scope: str) -> Verdict:
    """Whether this person's consent covers the scope now, and why not."""
    return verdicts(connection, user_id, consent_token_id, [scope])[scope]


def covered(connection: Connection, user_id: str, consent_token_id: UUID, scopes: Iterable[str]) -> frozenset[str]:
    """Those of the scopes that this person's consent covers now; none for an unknown, ended or foreign token."""
    found = verdicts(connection, user_id, consent_token_id, scopes)
    return frozenset(scope for scope, verdict in found.items() if verdict.is_valid)
