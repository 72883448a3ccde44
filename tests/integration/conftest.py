"""People whose findings a test states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from app.cli.embedded import Postgres
from app.traits import rules
from tests.integration.persona import ANALYZER, CONCEPTS, RULE, Person


@pytest.fixture
def person(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody new, with the rule of the test analyzer registered; no run stays open for a reconciler to find."""
    from app.database import transaction
    from app.models import Run

    monkeypatch.setitem(rules.RULES, ANALYZER, (RULE,))
    monkeypatch.setitem(rules.CONCEPTS, ANALYZER, CONCEPTS)
    rules.rules_of.cache_clear()
    somebody = Person()
    yield somebody
    rules.rules_of.cache_clear()
    with transaction() as connection:
        left = (Run.user_id == somebody.user_id, Run.state == "running")
        connection.execute(update(Run).where(*left).values(state="cancelled"))
