"""A price before anything leaves, and that it holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cli
from app.errors import Refusal
from app.services.llm.quote import quote
from tests.integration.llm.conftest import VENDOR, Case
from tests.integration.rows.conftest import LETTER
from tests.stub_anthropic import Stub


def test_a_quote_is_of_the_questions_that_are_asked_and_not_below_what_they_cost(
    case: Callable[..., Case], vendor: Stub
) -> None:
    said = quote(LETTER.encode(), ("analyse:text:local", VENDOR))
    assert vendor.requests == []
    one = case()
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    calls = one.calls()
    assert said.questions == len(calls)
    tokens = sum(call.input_tokens + call.cache_write_tokens + call.cache_read_tokens for call in calls)
    assert tokens == pytest.approx(said.tokens, rel=0.2)
    assert sum((call.cost for call in calls), Decimal(0)) < said.about < said.at_most


@pytest.mark.usefixtures("home")
def test_nothing_is_asked_of_who_is_not_allowed_or_about_too_little() -> None:
    assert quote(LETTER.encode(), ("analyse:text:local",)).questions == 0
    assert quote(b"I love the sea, and I always did.\n", (VENDOR,)).at_most == 0
    with pytest.raises(Refusal, match="only a text"):
        quote(b"\x89PNG\r\n\x1a\n" + bytes(64), (VENDOR,))


def test_the_command_line_says_it_without_a_fleet(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "letters.txt"
    file.write_text(LETTER)
    asked = ["analyze", "--dry-run", "--consent", VENDOR, str(file)]
    said = CliRunner().invoke(cli, asked)
    assert (said.exit_code, "6 questions to claude-sonnet-5-5" in said.stdout) == (0, True), said.output
    (row,) = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).stdout)["data"]
    assert Decimal(row["costAbout"]) < Decimal(row["costAtMost"])
