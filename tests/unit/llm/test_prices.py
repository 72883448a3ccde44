"""The table of prices: whole, dated, exact."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.analyzers.llm.port import Usage
from app.analyzers.llm.prices import BUILT_IN, cost, model_row, models
from app.errors import Misconfigured


def test_a_call_costs_what_its_tokens_cost_to_the_last_digit() -> None:
    usage = Usage(input=100, output=2_000, cache_write=12_000, cache_read=36_000)
    assert cost(usage, "claude-sonnet-5-5") == Decimal("0.0538")
    assert cost(Usage(), "claude-sonnet-5-5") == 0


def test_a_long_question_costs_more_where_the_vendor_says_so() -> None:
    short, long = Usage(input=100_000), Usage(input=50_000, cache_read=50_001)
    assert cost(short, "claude-haiku-5-5") == Decimal("0.01")
    assert cost(long, "claude-haiku-5-5") == Decimal("0.02750005")


def test_a_dated_id_has_the_price_of_its_family() -> None:
    assert model_row("claude-haiku-4-5-20251001").name == "claude-haiku-4-5"
    assert model_row("claude-opus-5-5").name == "claude-opus-5-5"


@pytest.mark.parametrize("name", ["claude-opus-50", "gpt-4", ""])
def test_a_model_without_a_price_has_no_budget(name: str) -> None:
    with pytest.raises(Misconfigured, match="no price is known"):
        cost(Usage(input=1), name)


def test_every_row_says_when_it_was_read_and_that_nobody_checked_it() -> None:
    assert all(row.date and not row.verified and row.context >= 100_000 for row in models().values())
    assert all(row.price.cache_read < row.price.input < row.price.cache_write for row in models().values())


def test_a_table_of_ones_own_is_taken_and_a_broken_one_is_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text(BUILT_IN.read_text().replace('"input": "2"', '"input": "1.5"').replace("false", "true"))
    assert cost(Usage(input=1_000_000), "claude-sonnet-5-5", mine) == Decimal("1.5")
    assert model_row("claude-sonnet-5-5", mine).verified
    broken = tmp_path / "broken.json"
    broken.write_text('{"models": {"x": {"input": "cheap"}}, "date": "2026"}')
    with pytest.raises(Misconfigured, match=r"broken\.json"):
        models(broken)
