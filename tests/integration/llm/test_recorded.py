"""What was sent can be seen, and a run repeated from what was answered; erased, nothing of either is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from app.cli import cli
from app.database import transaction
from app.errors import NotFound
from app.services import packages
from app.services.erasing import request
from app.services.llm import ledger
from app.services.llm.replay import replay, sent
from tests.integration.erasing.conftest import carried_out, messages
from tests.integration.llm.conftest import Case, table
from tests.integration.rows.conftest import Line
from tests.stub_anthropic import Stub

__all__ = ["carried_out", "messages"]
Make = Callable[..., Case]


@pytest.fixture
def asked(case: Make, line: Line) -> Case:
    """A run whose six tasks were all answered."""
    one = case()
    for lane in one.lanes:
        assert one.run(lane.removeprefix("llm:")).state == "done"
    assert one.finish()["runStatus"] == "done"
    return one


def test_a_run_repeated_offline_gives_its_features_bit_for_bit(asked: Case, vendor: Stub) -> None:
    before = len(vendor.requests)
    found = replay(asked.run_id)
    assert [(one.analyzer, one.equal, one.trouble) for one in found] == [
        (lane.removeprefix("llm:"), True, "") for lane in asked.lanes
    ]
    assert len(vendor.requests) == before


def test_another_model_is_asked_within_ledger_and_shows_the_difference(
    asked: Case, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    setting(llm_models=table(tmp_path, "stub-invented", "claude-sonnet-5-5"))
    found = {one.analyzer: one for one in replay(asked.run_id, "stub-invented")}
    facts = found["llm.facts"]
    assert (facts.equal, facts.gained, facts.model) == (False, (), "stub-invented")
    assert facts.lost
    assert {call.model for call in asked.calls()} == {"claude-sonnet-5-5", "stub-invented"}
    # What the run itself was answered is still there.
    assert all(one.equal for one in replay(asked.run_id))


def test_a_later_run_leaves_the_recordings_of_an_earlier_one(asked: Case, vendor: Stub, line: Line) -> None:
    questions = len(vendor.messages)
    run_id = asked.run_id
    again = packages.analyse_again(asked.user, asked.package_id, line)
    line.drive()
    assert len(vendor.messages) == 2 * questions
    assert all(one.equal for one in replay(again["runID"]))
    # Stored features are those of the newest run, whose usage is another: the vendor had the text in its cache.
    assert {(one.gained, one.lost, one.trouble) for one in replay(run_id)} == {((), (), "")}


def test_what_was_sent_is_shown_as_the_vendor_got_it(asked: Case, vendor: Stub) -> None:
    documents = [body["messages"][0]["content"][0]["source"]["data"] for body in vendor.messages]
    assert [one["document"] for one in sent(asked.package_id)] == documents
    shown = CliRunner().invoke(cli, ["sent", str(asked.package_id), "--json"])
    assert shown.exit_code == 0, shown.output
    assert len(json.loads(shown.stdout)["data"]) == len(documents)
    repeated = CliRunner().invoke(cli, ["replay", str(asked.run_id)])
    assert repeated.exit_code == 0, repeated.output
    assert repeated.stdout.count("equal bit for bit") == len(documents)


def test_without_recordings_there_is_nothing_to_repeat(case: Make, vendor: Stub, setting: Callable[..., None]) -> None:
    setting(llm_recordings=False)
    one = case()
    one.run()
    assert sent(one.package_id) == []
    assert [found.equal for found in replay(one.run_id)] == [False]
    with pytest.raises(NotFound):
        replay(uuid4())


def test_an_erased_package_leaves_what_it_cost_and_nothing_else(
    asked: Case, home: Path, carried_out: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    assert len([*(home / "objects").rglob(f"*/{asked.package_id}/llm-*")]) == len(asked.lanes)
    with transaction() as connection:
        spent = ledger.spent_this_month(connection, asked.user)
    carried_out(request.erase_package(asked.user, asked.package_id))
    assert [*(home / "objects").rglob(f"*/{asked.package_id}/*")] == []
    with transaction() as connection:
        assert ledger.spent_this_month(connection, asked.user) == spent > 0
    carried_out(request.erase_user(asked.user))
    with transaction() as connection:
        assert ledger.spent_this_month(connection, asked.user) == 0
