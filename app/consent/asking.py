"""The one check that everything asks, whoever rules: our ledger, or a remote consent service."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from app.consent import grants, remote
from app.consent.grants import Verdict
from app.database import relaxed as without_waiting
from app.errors import Conflict
from config.settings import settings


def ask(
    connection: Connection, user_id: str, consent_token_id: UUID, scopes: Iterable[str], *, relaxed: bool = False
) -> dict[str, Verdict]:
    """Whether a consent covers each scope, and hold the person's gate until the transaction ends.

    Call it before the transaction locks anything, best as its first words: a remote service is asked over the network
    before anything is sent to PostgreSQL, and of our own ledger's answer `gate_shared` says what it needs.

    With our ledger, no revocation commits before this transaction does. A remote service promises less
    (`app.consent.remote`); the gate is held all the same, since an erasure closes it too.

    Args:
        connection: at the beginning of a transaction.
        user_id: who consented.
        consent_token_id: to what.
        scopes: that are needed.
        relaxed: commit without waiting for the disk, as `app.database.relaxed`.
    """
    if not ruled_remotely():
        return grants.verdicts(connection, user_id, consent_token_id, scopes, gated=True, relaxed=relaxed)
    found = remote.verdicts(user_id, consent_token_id, scopes)
    if relaxed:
        without_waiting(connection)
    grants.gate_shared(connection, user_id)
    return found


def ruled_remotely() -> bool:
    """Whether a remote consent service rules instead of our ledger."""
    return bool(settings().consent_url)


def must_be_ours() -> None:
    """Refuse to write into a ledger that nobody reads.

    Raises:
        Conflict: a remote consent service rules.
    """
    if ruled_remotely():
        raise Conflict("another service keeps the consents (ECHO_CONSENT_URL): grant and revoke them there")
