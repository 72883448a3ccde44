"""The table of rules: complete, loadable, and tolerant of analyzers that have none."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.analyzers.catalog import catalog
from app.analyzers.llm.rows import ROWS
from app.traits.rules import RULES, rules_of, signals_of
from app.traits.signals import Measured


@pytest.mark.parametrize("analyzer", RULES)
def test_every_row_names_an_analyzer_and_rules_that_load(analyzer: str) -> None:
    assert analyzer in {*catalog(), *(row.name for row in ROWS)}
    assert all(map(callable, rules_of(analyzer)))


def test_an_analyzer_without_rules_proposes_nothing() -> None:
    assert "text.statistics" not in RULES
    assert [*signals_of(Measured("text.statistics", uuid4(), {}, None))] == []
