"""The graph store dies while a person reviews: nobody notices but the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from app.database import transaction
from app.errors import StoreUnavailable
from app.models import GraphOutbox
from app.pkg import graph_store
from app.services import graph, review
from app.services.drawing import draw
from app.services.merge import merge
from scripts.stores.neo4j import Neo4jServer
from tests.graph_servers import Restartable, chosen, mortal
from tests.integration.persona import Person, finding

DECISIONS = 200
CONFIRM = {"userDecision": "confirmed_asis"}
REJECT = {"userDecision": "rejected", "rejectionReason": "not me"}


@pytest.fixture
def neo4j(tmp_path: Path) -> Iterator[Restartable]:
    with mortal(Neo4jServer(tmp_path / "neo4j")) as server:
        yield server


def drawn(user_id: str) -> str:
    """Digest of the graph as PostgreSQL has it."""
    with transaction() as connection:
        return draw(connection, user_id).digest()


def test_neo4j_may_die_during_a_review_and_catches_up(person: Person, neo4j: Restartable) -> None:
    merge(person.analysed(person.package(), finding()))
    (row,) = person.candidates().values()
    candidate = UUID(str(row.candidate_id))
    with chosen(neo4j.server):
        graph_store().prepare()
        projected = {"done": 0, "refused": 0}
        for number in range(DECISIONS):
            if number == DECISIONS // 3:
                neo4j.kill()
            review.act(person.user_id, candidate, CONFIRM if number % 2 else REJECT)
            if number % 40 == 39:
                try:
                    projected["done"] += graph.project(person.user_id)
                except StoreUnavailable:
                    projected["refused"] += 1
        assert projected["done"]
        assert projected["refused"]
        assert person.user_id in graph.pending(10_000)
        neo4j.restart()
        assert graph_store().digest(person.user_id) != drawn(person.user_id)
        assert graph.project(person.user_id) is True
        assert person.user_id not in graph.pending(10_000)
        assert graph_store().digest(person.user_id) == drawn(person.user_id)
        assert graph_store().count(person.user_id) > 1


def test_rows_that_were_applied_long_ago_are_removed(person: Person) -> None:
    day = timedelta(days=1)
    ages = {"old": datetime.now(UTC) - 2 * day, "new": datetime.now(UTC) - day / 2, "open": None}
    with transaction() as connection:
        for cause, applied_at in ages.items():
            connection.execute(insert(GraphOutbox).values(user_id=person.user_id, cause=cause, applied_at=applied_at))
    assert graph.purge() >= 1
    with transaction() as connection:
        left = connection.execute(select(GraphOutbox.cause).where(GraphOutbox.user_id == person.user_id)).scalars()
        assert set(left) == {"new", "open"}
    assert graph.project(person.user_id) is True
