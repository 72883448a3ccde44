"""Migrations: the schema that they make is the one of the models, and what is stored survives them, up and down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, select, text

from app.cli.embedded import Postgres
from app.database import engine, transaction
from app.models import CandidateContribution, ExtractedTraitCandidate
from app.traits.candidates import Contribution
from app.traits.combining import recount
from app.traits.signals import Study
from app.vocabulary import ClaimKind, TraitCategory
from config.settings import settings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Config(str(ROOT / "migrations" / "alembic.ini"))


@pytest.fixture
def database(postgres: Postgres) -> Iterator[None]:
    """An empty database of its own, which this process talks to meanwhile."""
    name = f"migrated_{uuid4().hex[:8]}"
    usual = os.environ["ECHO_DATABASE_URL"]
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    _talk_to(make_url(usual).set(database=name).render_as_string(hide_password=False))
    yield
    _talk_to(usual)


def _talk_to(url: str) -> None:
    from app import database

    engine().dispose()
    database._engine.cache_clear()
    os.environ["ECHO_DATABASE_URL"] = url
    settings.cache_clear()


def contribution(kind: ClaimKind, words: int, certainty: float, *, timed: bool = False) -> Contribution:
    study = Study("10.1016/j.jrp.2010.04.001", 0.16, 694, "bloggers") if kind is ClaimKind.INFERRED else None
    return Contribution(
        key="habit:questions:high", name="Asks a lot of questions", description="30 in 100 sentences.",
        category=TraitCategory.COMMUNICATION_STYLE, claim_kind=kind, sources={"text.style": str(uuid4())},
        certainty=certainty, distance=2.0, specificity=0.7, occurrences=words % 4, own_words=words, counter=words % 3,
        timed=timed, study=study, z=1.3 if study else None,
    )  # fmt: skip


def test_the_schema_is_the_one_of_the_models(database: None) -> None:
    command.upgrade(CONFIG, "head")
    command.check(CONFIG)


def test_contributions_move_into_their_table_and_back(database: None) -> None:
    command.upgrade(CONFIG, "0002")
    stored = {
        str(uuid4()): contribution(kind, words, certainty, timed=timed)
        for kind in (ClaimKind.STATED, ClaimKind.OBSERVED, ClaimKind.INFERRED)
        for words, certainty, timed in ((0, 0.9, True), (90, 0.8, False), (700, 0.55, False), (9000, 0.0, False))
    }
    before = {package: one.as_json() for package, one in stored.items()}
    candidate_id = uuid4()
    with transaction() as connection:
        for identity, contributions in ((candidate_id, before), (uuid4(), {})):
            connection.execute(
                text(
                    "INSERT INTO candidates VALUES (:id, 'u', 'k', 'n', 'd', 'Skill', 'stated', 0.5, '{}', 1, '{}',"
                    " '{}', 'candidate', CAST(:contributions AS JSONB), false, now(), now())"
                ),
                {"id": identity, "contributions": json.dumps(contributions)},
            )
    command.upgrade(CONFIG, "head")
    totals: dict[str, dict[str, int]] = {}
    for one in stored.values():
        totals = recount(totals, None, one)
    with transaction() as connection:
        moved = connection.execute(select(CandidateContribution.__table__)).all()
        found = connection.execute(
            select(ExtractedTraitCandidate.totals).where(ExtractedTraitCandidate.candidate_id == candidate_id)
        ).scalar_one()
    assert {str(row.package_id): Contribution.from_json(row.contribution) for row in moved} == stored
    assert {row.package_id: row.weight for row in moved} == {
        UUID(package): pytest.approx(one.weight) for package, one in stored.items()
    }
    assert found == totals
    command.downgrade(CONFIG, "0002")
    with transaction() as connection:
        back = connection.execute(text("SELECT candidate_id, contributions FROM candidates")).all()
    assert {row.candidate_id: row.contributions for row in back}[candidate_id] == before
