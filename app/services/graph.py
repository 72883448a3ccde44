"""The persona knowledge graph: kept equal to what PostgreSQL says, and read.

Whoever changes candidates, settled traits, styles or concepts writes a `GraphOutbox` row in the same transaction. A
projection draws the person's whole graph anew and makes the store's equal to it; repeated, late or in parallel, it ends
the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, text, union, update

from app.database import transaction
from app.errors import InvalidInput
from app.models import CommunicationStyles, Concept, ExtractedTraitCandidate, GraphOutbox, SettledTrait
from app.pkg import graph_store
from app.services.drawing import draw
from app.vocabulary import TraitCategory

#: Steps from the start that a reader may ask for.
MAX_DEPTH = 5

#: How long an applied outbox row is kept for whoever looks for the reason of a change.
APPLIED_KEPT = timedelta(days=1)


def project(user_id: str) -> bool:
    """Bring the person's graph up to date.

    Returns:
        Whether anything was waiting; it is applied now.

    Raises:
        StoreUnavailable: a store does not answer; what waits stays waiting.
    """
    with transaction() as connection:
        waiting = _hold(connection, user_id)
        if waiting:
            _apply(connection, user_id, waiting)
        return bool(waiting)


def pending(limit: int) -> list[str]:
    """People whose graph is behind, the one who waits longest first."""
    query = (
        select(GraphOutbox.user_id)
        .where(GraphOutbox.applied_at.is_(None))
        .group_by(GraphOutbox.user_id)
        .order_by(func.min(GraphOutbox.entry_id))
        .limit(limit)
    )
    with transaction() as connection:
        return list(connection.execute(query).scalars())


def read(
    user_id: str, *, concept: str | None = None, category: str | None = None, depth: int = 2
) -> dict[str, list[dict[str, Any]]]:
    """The person's graph, or the part around a concept or a category; the person's own changes are in it.

    Args:
        user_id: whose.
        concept: name of a Concept, in any case.
        category: a `traitCategory`.
        depth: steps from there, 0 to 5.

    Returns:
        `{nodes: [{id, label, properties}], edges: [{source, type, target, properties}]}`.

    Raises:
        InvalidInput: there is no such category or depth.
        StoreUnavailable: a store does not answer.
    """
    if not 0 <= depth <= MAX_DEPTH:
        raise InvalidInput(f"`depth` must be 0 to {MAX_DEPTH}", field="depth")
    if category is not None and category not in set(TraitCategory):
        raise InvalidInput(f"`category` must be one of {', '.join(TraitCategory)}", field="category")
    project(user_id)
    return graph_store().read(user_id, concept=concept, category=category, depth=depth).as_json()


def rebuild(user_id: str | None = None) -> dict[str, str]:
    """Project again whatever the outbox says: one person's graph, or everybody's.

    Returns:
        userID to the digest of the graph as the store has it now.

    Raises:
        StoreUnavailable: a store does not answer; repeat it.
    """
    digests = {}
    for person in [user_id] if user_id is not None else _everybody():
        with transaction() as connection:
            _apply(connection, person, _hold(connection, person))
            digests[person] = graph_store().digest(person, connection=connection)
    return digests


def purge() -> int:
    """Remove outbox rows that were applied more than a day ago.

    Returns:
        How many.
    """
    with transaction() as connection:
        return connection.execute(
            delete(GraphOutbox).where(GraphOutbox.applied_at < datetime.now(UTC) - APPLIED_KEPT)
        ).rowcount


def _hold(connection: Connection, user_id: str) -> list[int]:
    """Keep other projections of the person out until the end of the transaction, and see what waits.

    The entries are read after the lock and before the truth: what commits later than this has an entry of its own that
    is not among these, and is projected again.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"graph-projection:{user_id}"}
    )
    query = select(GraphOutbox.entry_id).where(GraphOutbox.user_id == user_id, GraphOutbox.applied_at.is_(None))
    return list(connection.execute(query).scalars())


def _apply(connection: Connection, user_id: str, entries: list[int]) -> None:
    graph_store().replace(user_id, draw(connection, user_id), connection=connection)
    connection.execute(
        update(GraphOutbox).where(GraphOutbox.entry_id.in_(entries)).values(applied_at=datetime.now(UTC))
    )


def _everybody() -> list[str]:
    tables = (ExtractedTraitCandidate, SettledTrait, CommunicationStyles, Concept)
    people = union(*(select(table.__table__.c.user_id) for table in tables))
    with transaction() as connection:
        return sorted(connection.execute(people).scalars())
