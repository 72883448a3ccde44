"""What it cost, by step, run, person and trait, to the cent; and what operations see of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import event, insert, select, update

from app.cli import cli
from app.cli.commands import costs
from app.database import AnyRow, engine, transaction
from app.models import CandidateContribution, LlmBreaker, LlmCall
from app.services import access
from app.services.erasing import request
from app.services.llm import slots, spending, vendors
from app.services.llm.replay import replay
from app.services.planning import now
from app.web.resources.health.metrics import exposition
from config.settings import settings
from tests.integration.erasing.conftest import carried_out, messages
from tests.integration.llm.conftest import Case, table
from tests.integration.rows.conftest import LETTER
from tests.stub_anthropic import Stub

__all__ = ["carried_out", "messages"]
Make = Callable[..., Case]
CENT = 0.01
MODEL = "claude-sonnet-5-5"


@pytest.fixture
def finished(case: Make) -> Callable[..., Case]:
    """A run whose six tasks were all answered, merged."""

    def make(text: str = LETTER) -> Case:
        one = case(text)
        for lane in one.lanes:
            assert one.run(lane.removeprefix("llm:")).state == "done"
        assert one.finish()["runStatus"] == "done"
        return one

    return make


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def calls_of(user: str) -> Sequence[AnyRow]:
    with transaction() as connection:
        return connection.execute(select(LlmCall.__table__).where(LlmCall.user_id == user)).all()


def shares(one: Case) -> dict[str, Decimal]:
    """The share of each candidate, worked out beside the statement that is tested."""
    with transaction() as connection:
        rests = connection.execute(
            select(CandidateContribution.__table__).where(CandidateContribution.user_id == one.user)
        ).all()
    paid: dict[str, Decimal] = {}
    for call in calls_of(one.user):
        for analyzer in (lane.removeprefix("llm:") for lane in one.lanes):
            step = one.step(analyzer)
            if step.step_id == call.step_id:
                paid[str(step.feature_set_id)] = paid.get(str(step.feature_set_id), Decimal(0)) + call.cost
    found: dict[str, Decimal] = {}
    for feature_set, cost in paid.items():
        among = [row.candidate_id for row in rests if feature_set in row.contribution["sources"].values()]
        for candidate_id in among:
            found[str(candidate_id)] = found.get(str(candidate_id), Decimal(0)) + cost / len(among)
    return found


@pytest.mark.usefixtures("vendor")
def test_traits_and_what_led_to_none_add_up_to_the_total(finished: Callable[..., Case]) -> None:
    one = finished()
    said = spending.of_person(one.user)
    total = sum((call.cost for call in calls_of(one.user)), Decimal(0))
    assert said["total"] == pytest.approx(float(total), abs=1e-8)
    assert said["total"] > 0
    assert said["traits"]
    assert said["unshared"] > 0
    traits = sum(trait["cost"] for trait in said["traits"])
    assert traits + said["otherTraits"] + said["unshared"] == pytest.approx(said["total"], abs=1e-6)
    expected = shares(one)
    assert {str(trait["candidateID"]): trait["cost"] for trait in said["traits"]} == {
        candidate: pytest.approx(float(cost), abs=1e-8) for candidate, cost in expected.items()
    }
    assert [trait["cost"] for trait in said["traits"]] == sorted((t["cost"] for t in said["traits"]), reverse=True)


@pytest.mark.usefixtures("vendor")
def test_a_run_is_the_sum_of_its_steps_and_of_what_its_state_says(finished: Callable[..., Case]) -> None:
    one = finished()
    said = spending.of_person(one.user)
    (run,) = said["runs"]
    status = one.status()
    assert run["cost"] == pytest.approx(status["cost"]["amount"], abs=1e-8)
    assert {step["analyzer"]: step["cost"] for step in run["steps"]} == {
        step["analyzer"]: pytest.approx(step["cost"], abs=1e-8) for step in status["steps"] if step["cost"]
    }
    assert sum(analyzer["cost"] for analyzer in said["analyzers"]) == pytest.approx(said["total"], abs=1e-6)
    assert (run["runID"], run["packageID"], run["calls"]) == (one.run_id, one.package_id, 6)


@pytest.mark.usefixtures("vendor")
def test_what_a_repetition_cost_is_of_no_trait(finished: Callable[..., Case]) -> None:
    one = finished()
    before = spending.of_person(one.user)
    replay(one.run_id, MODEL)
    after = spending.of_person(one.user)
    assert after["total"] > before["total"]
    assert (after["traits"], after["otherTraits"]) == (before["traits"], before["otherTraits"])
    assert after["unshared"] == pytest.approx(before["unshared"] + after["total"] - before["total"], abs=1e-6)


@pytest.mark.usefixtures("vendor")
def test_traits_beyond_those_that_are_named_are_added_up(
    finished: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = finished()
    whole = spending.of_person(one.user)
    assert len(whole["traits"]) > 1
    monkeypatch.setattr(spending, "MOST_TRAITS", 1)
    cut = spending.of_person(one.user)
    assert cut["traits"] == whole["traits"][:1]
    assert cut["otherTraits"] == pytest.approx(sum(trait["cost"] for trait in whole["traits"][1:]), abs=1e-6)
    assert cut["unshared"] == whole["unshared"]


@pytest.mark.usefixtures("vendor")
def test_runs_come_in_pages_newest_first_in_as_many_statements_as_for_one(finished: Callable[..., Case]) -> None:
    made = [finished()]
    with statements() as for_one:
        spending.of_person(made[0].user)
    made += [finished(f"{LETTER}And I walked home, {number}.\n") for number in range(2)]
    with statements() as for_three:
        first = spending.of_person(made[0].user, limit=2)
    assert len(for_three) == len(for_one) <= 6
    total = sum((call.cost for call in calls_of(made[0].user)), Decimal(0))
    parts = sum(trait["cost"] for trait in first["traits"]) + first["otherTraits"] + first["unshared"]
    assert parts == pytest.approx(float(total), abs=1e-6) == first["total"]
    rest = spending.of_person(made[0].user, limit=2, offset=2)
    runs = [run["runID"] for run in first["runs"] + rest["runs"]]
    assert runs == [one.run_id for one in reversed(made)]
    assert first["pagination"] == {"offset": 0, "limit": 2, "total": 3}
    beyond = spending.of_person(made[0].user, limit=2, offset=9)
    assert (beyond["runs"], beyond["pagination"]["total"]) == ([], 3)


@pytest.mark.usefixtures("vendor")
def test_the_month_counts_itself_and_the_total_counts_all(
    finished: Callable[..., Case], setting: Callable[..., None]
) -> None:
    one = finished()
    setting(llm_budget_person_month=Decimal(1))
    this = spending.of_person(one.user)
    assert this["month"] == {"spent": this["total"], "budget": 1.0, "left": pytest.approx(1 - this["total"])}
    with transaction() as connection:
        old = now() - timedelta(days=40)
        connection.execute(update(LlmCall).where(LlmCall.user_id == one.user).values(asked_at=old))
    later = spending.of_person(one.user)
    assert (later["month"]["spent"], later["total"]) == (0, this["total"])


@pytest.mark.usefixtures("vendor")
def test_what_an_erased_package_cost_stays_in_the_total_without_its_name(
    finished: Callable[..., Case], case: Make, carried_out: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    one = finished()
    before = spending.of_person(one.user)
    unasked = case(LETTER, "analyse:text:local")
    assert carried_out(request.erase_package(one.user, unasked.package_id))["receipt"]["stays"] == []
    receipt = carried_out(request.erase_package(one.user, one.package_id))["receipt"]
    assert (receipt["stays"], receipt["clean"]) == (["llm_calls"], True)
    after = spending.of_person(one.user)
    assert (after["total"], after["unshared"], after["traits"]) == (before["total"], before["total"], [])
    (run,) = after["runs"]
    assert (run["packageID"], run["file"], run["runStatus"]) == (None, None, None)
    assert [analyzer["analyzer"] for analyzer in after["analyzers"]] == [None]
    assert carried_out(request.erase_user(one.user))["receipt"]["stays"] == ["access_log", "consent_ledger", "erasures"]
    assert spending.of_person(one.user)["total"] == 0


def test_somebody_who_asked_nobody_has_zeros(postgres: object, user: str) -> None:
    said = spending.of_person(user)
    assert (said["total"], said["unshared"], said["runs"], said["traits"]) == (0, 0, [], [])


@pytest.mark.usefixtures("vendor")
def test_the_command_line_shows_what_the_route_shows_and_leaves_an_entry(finished: Callable[..., Case]) -> None:
    one = finished()
    told = CliRunner().invoke(cli, ["costs", "--user", one.user, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["total"] == spending.of_person(one.user)["total"]
    entries, _ = access.listed(one.user, limit=1)
    assert (entries[0]["actor"], entries[0]["purpose"]) == ("operator", "costs")
    shown = CliRunner().invoke(cli, ["costs", "--user", one.user])
    assert shown.exit_code == 0, shown.output
    assert "USD" in shown.stdout
    assert "led to no trait" in shown.stdout
    assert "further traits" not in shown.stdout


@pytest.mark.usefixtures("vendor")
def test_the_command_line_adds_up_the_traits_that_it_does_not_name(
    finished: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = finished()
    monkeypatch.setattr(costs, "SHOWN", 1)
    shown = CliRunner().invoke(cli, ["costs", "--user", one.user])
    assert "further traits" in shown.stdout, shown.output


def test_models_show_what_was_measured_here_by_prompt_and_window(
    case: Make, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    name = "claude-opus-5"
    setting(llm_models=table(tmp_path, name), anthropic_model=name)
    vendors._anthropic.cache_clear()
    honest, liar = case(), case()
    vendor.mode = "honest"
    honest.run("llm.facts")
    vendor.mode = "invented"
    liar.run("llm.facts")
    vendor.mode = "500"
    liar.run("llm.traits")
    told = CliRunner().invoke(cli, ["models", "list", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    (row,) = said["models"]
    assert (row["name"], row["chosen"], row["verified"]) == (name, True, False)
    by = {(one["prompt"], one["window"]): one for one in said["measured"] if one["model"] == name}
    calls = [*honest.calls(), *liar.calls()]
    whole, facts = by[None, None], by["facts.v1", "0"]
    assert (whole["calls"], whole["failures"]) == (3, 1)
    assert (facts["calls"], facts["failures"]) == (2, 0)
    assert facts["fabricated"] == 3
    assert facts["fabricationRate"] == pytest.approx(3 / facts["quotes"], abs=1e-4)
    assert whole["cost"] == pytest.approx(float(sum(call.cost for call in calls)), abs=1e-8)
    assert whole["tokens"]["input"] == sum(call.input_tokens for call in calls)
    assert facts["medianSeconds"] is not None
    assert "facts.v1" in CliRunner().invoke(cli, ["models", "list"]).stdout


def test_windows_beyond_the_eighth_are_counted_together(case: Make, vendor: Stub) -> None:
    one = case()
    one.run()
    model = "stub-windows"
    with transaction() as connection:
        template = (
            connection.execute(select(LlmCall.__table__).where(LlmCall.package_id == one.package_id)).one()._asdict()
        )
        rows = [
            {**template, "call_id": uuid4(), "window": window,
             "model": model, "quotes": 10, "fabricated": window}
            for window in (0, 7, 8, 9, 200)
        ]  # fmt: skip
        connection.execute(insert(LlmCall), [{**row, "fabricated": min(row["fabricated"], 10)} for row in rows])
        found = {m["window"]: m for m in spending.measured(connection) if m["model"] == model and m["prompt"]}
    assert {window: (m["calls"], m["fabricated"]) for window, m in found.items()} == {
        "0": (1, 0),
        "7": (1, 7),
        "8+": (3, 8 + 9 + 10),
    }
    shown = exposition().decode()
    assert f'echosphere_llm_quotes{{model="{model}",prompt="facts.v1",proven="no",window="8+"}} 27.0' in shown


def test_metrics_say_what_vendors_are_doing_in_the_same_statements_for_any_number_of_calls(
    case: Make, vendor: Stub
) -> None:
    one = case()
    digest = vendors.key_digest()
    with statements() as before:
        shown = exposition().decode()
    assert 'echosphere_llm_breaker_open{vendor="anthropic"} 0.0' in shown
    assert 'echosphere_llm_slots_used{vendor="anthropic"} 0.0' in shown
    assert f'echosphere_llm_slots_allowed{{vendor="anthropic"}} {settings().llm_concurrency}.0' in shown
    waiting = _waiting(shown)
    vendor.mode = "429"
    one.run()
    with engine().connect() as other, slots.slot(other, "anthropic", digest, lambda: False), statements() as after:
        shown = exposition().decode()
    assert 'echosphere_llm_breaker_open{vendor="anthropic"} 1.0' in shown
    assert 'echosphere_llm_slots_used{vendor="anthropic"} 1.0' in shown
    assert _waiting(shown) == waiting + 1
    assert len(after) == len(before)
    with transaction() as connection:
        connection.execute(update(LlmBreaker).values(open_until=now() - timedelta(seconds=1)))
    assert 'echosphere_llm_breaker_open{vendor="anthropic"} 0.0' in exposition().decode()


def test_metrics_give_the_cost_of_each_outcome(case: Make, vendor: Stub) -> None:
    one = case()
    one.run()
    spent = _cost(exposition().decode(), "answered")
    again = case()
    again.run()
    (call,) = again.calls()
    assert _cost(exposition().decode(), "answered") - spent == pytest.approx(float(call.cost), abs=1e-8)


def _waiting(shown: str) -> float:
    (line,) = [line for line in shown.splitlines() if line.startswith("echosphere_llm_waiting_steps ")]
    return float(line.rpartition(" ")[2])


def _cost(shown: str, outcome: str) -> float:
    start = f'echosphere_llm_cost_usd{{model="{MODEL}",outcome="{outcome}",vendor="anthropic"}} '
    (line,) = [line for line in shown.splitlines() if line.startswith(start)]
    return float(line.removeprefix(start))
