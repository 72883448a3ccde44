"""People whose findings a test states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.cli.embedded import Postgres
from app.traits import rules
from tests.integration.persona import ANALYZER, RULE, Person


@pytest.fixture
def person(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody new; the rule of the test's own analyzer is registered."""
    monkeypatch.setitem(rules.RULES, ANALYZER, (RULE,))
    rules.rules_of.cache_clear()
    yield Person()
    rules.rules_of.cache_clear()
