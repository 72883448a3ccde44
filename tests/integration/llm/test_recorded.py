"""What was sent can be seen, and a run repeated from what was answered; erased, nothing of either is left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app.cli import cli
from app.database import transaction
from app.errors import InvalidInput, NotFound
from app.models import UserDataPackage
from app.services import consents, packages
from app.services.erasing import request
from app.services.llm import ledger, recordings
from app.services.llm.replay import replay
from app.services.llm.sent import sent
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
    # Stored features are those of the newest run; what the earlier one found is kept beside its recordings.
    assert {(one.equal, one.compared) for one in replay(run_id)} == {(True, "run")}


def test_what_was_sent_is_shown_as_the_vendor_got_it(asked: Case, vendor: Stub) -> None:
    documents = [body["messages"][0]["content"][0]["source"]["data"] for body in vendor.messages]
    assert [one["document"] for one in sent(asked.user, asked.package_id)["data"]] == documents
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
    assert sent(one.user, one.package_id)["data"] == []
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


def prompt_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_another_prompt_is_another_question_to_the_same_model(
    asked: Case, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    # The model that is set up is another one by now; only the prompt is to differ.
    setting(anthropic_model="claude-opus-5-5")
    before = {call.call_id for call in asked.calls()}
    mine = prompt_file(tmp_path, "facts.mine.md", "Task: facts\n\nFind what the person does for a living.\n")
    (found,) = replay(asked.run_id, prompt=mine)
    assert (found.analyzer, found.trouble, found.equal, found.model) == ("llm.facts", "", False, "claude-sonnet-5-5")
    assert found.before is not None
    assert found.after is not None
    assert (found.before["prompt"], found.after["prompt"]) == ("facts.v1", "facts.mine")
    # The stub finds the same whatever it is asked: the difference is the question's alone.
    assert (found.gained, found.lost) == ((), ())
    assert found.traits == {"gained": [], "lost": [], "changed": []}
    (call,) = [call for call in asked.calls() if call.call_id not in before]
    assert (call.prompt, call.model, call.outcome) == ("facts.mine", "claude-sonnet-5-5", "answered")
    assert found.after["cost"] == str(call.cost.normalize())
    assert found.after["tokens"]["output"] == call.output_tokens
    assert "Find what the person does for a living." in json.dumps(vendor.messages[-1])
    shown = CliRunner().invoke(cli, ["replay", str(asked.run_id), "--prompt", mine])
    assert ("llm.facts: the same findings" in shown.stdout, "differs" in shown.stdout) == (True, False), shown.output
    # Nothing of it is kept: the run is what it was.
    assert [one.equal for one in replay(asked.run_id)] == [True] * len(asked.lanes)


def test_the_runs_recordings_are_read_once_for_all_its_steps(asked: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[object] = []
    real = recordings.all_of

    def counted(*given: Any) -> Iterator[recordings.Recording]:
        walked.append(given)
        return real(*given)

    monkeypatch.setattr(recordings, "all_of", counted)
    assert len(replay(asked.run_id, prompt="v1")) == len(asked.lanes) > 1
    assert len(walked) == 1


def test_model_and_prompt_may_both_be_others(
    asked: Case, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    setting(llm_models=table(tmp_path, "stub-invented", "claude-sonnet-5-5"))
    mine = prompt_file(tmp_path, "facts.mine.md", "Task: facts\n\nMine.")
    (found,) = replay(asked.run_id, "stub-invented", mine)
    assert (found.model, found.gained) == ("stub-invented", ())
    assert found.after is not None
    assert found.before is not None
    assert (found.after["prompt"], found.after["quotes"], found.after["fabricated"]) == ("facts.mine", 3, 3)
    assert found.before["fabricated"] == 0
    assert "Works as a nurse" in {trait["name"] for trait in found.traits["lost"]}
    assert {finding[1] for finding in found.lost} >= {"Works as a nurse"}


def test_a_version_of_our_own_prompts_repeats_the_tasks_that_have_it(asked: Case, vendor: Stub) -> None:
    before = len(vendor.messages)
    found = replay(asked.run_id, prompt="v1")
    assert [one.analyzer for one in found] == [lane.removeprefix("llm:") for lane in asked.lanes]
    assert len(vendor.messages) == before + len(asked.lanes)
    assert {(one.gained, one.lost, one.trouble) for one in found} == {((), (), "")}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("v99", None, "traits: v1"),
        ("facts.md", "x", "TASK.VERSION.md"),
        ("poems.v1.md", "x", "TASK.VERSION.md"),
        ("facts.v1.md", "Task: facts\n\nAnother one.", "another version"),
        ("facts.mine.md", "", "characters"),
        ("facts.mine.md", "x" * 30_000, "characters"),
        ("facts.gone.md", None, "cannot be read"),
    ],
)
def test_a_prompt_that_there_is_not_is_said_to_be_none(
    name: str, text: str | None, said: str, vendor: Stub, tmp_path: Path
) -> None:
    path = prompt_file(tmp_path, name, text) if text is not None else name
    with pytest.raises(InvalidInput, match=said):
        replay(uuid4(), prompt=path)


def test_consent_that_has_ended_lets_no_other_prompt_out(asked: Case, vendor: Stub, tmp_path: Path) -> None:
    with transaction() as connection:
        token = connection.execute(
            select(UserDataPackage.consent_token_id).where(UserDataPackage.package_id == asked.package_id)
        ).scalar_one()
    consents.revoke(asked.user, token)
    before = len(vendor.requests)
    mine = prompt_file(tmp_path, "facts.mine.md", "Task: facts\n\nMine.")
    # What was given under it is erased: first of all, the key.
    with pytest.raises(NotFound):
        replay(asked.run_id, prompt=mine)
    assert len(vendor.requests) == before


def test_the_command_line_shows_the_difference(
    asked: Case, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    setting(llm_models=table(tmp_path, "stub-invented", "claude-sonnet-5-5"))
    mine = prompt_file(tmp_path, "facts.mine.md", "Task: facts\n\nMine.")
    command = ["replay", str(asked.run_id), "--model", "stub-invented", "--prompt", mine]
    shown = CliRunner().invoke(cli, command)
    assert shown.exit_code == 0, shown.output
    assert "before: claude-sonnet-5-5, facts.v1:" in shown.stdout
    assert "now: stub-invented, facts.mine: 3 quotations, 3 made up;" in shown.stdout
    assert "llm.facts: differs" in shown.stdout
    assert "- trait Works as a nurse" in shown.stdout
    (row,) = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)["data"]
    assert {trait["name"] for trait in row["traits"]["lost"]} >= {"Works as a nurse"}
    assert row["after"]["model"] == "stub-invented"
    none = CliRunner().invoke(cli, ["replay", str(asked.run_id), "--prompt", "v99"])
    assert none.exit_code != 0


def test_a_run_that_asked_twice_is_repeated_bit_for_bit_whatever_the_settings_are_now(
    case: Make, vendor: Stub, setting: Callable[..., None]
) -> None:
    setting(llm_ask_twice=0.5)
    one = case()
    for lane in one.lanes:
        assert one.run(lane.removeprefix("llm:")).state == "done"
    questions = len(vendor.messages)
    assert questions > len(one.lanes)
    setting(llm_ask_twice=1.0, analyzer_options={"llm.facts": {"window": 300}})
    assert [(found.equal, found.compared, found.trouble) for found in replay(one.run_id)] == [(True, "run", "")] * 6
    assert len(vendor.messages) == questions


def test_an_unreadable_answer_and_its_repair_are_repeated_too(case: Make, vendor: Stub) -> None:
    one = case()
    vendor.mode = "once-garbage"
    assert one.run().state == "done"
    assert [call.outcome for call in one.calls()] == ["invalid_answer", "answered"]
    (found,) = replay(one.run_id)
    assert (found.equal, found.trouble) == (True, "")


def test_of_a_run_whose_own_features_are_gone_it_is_said_what_it_is_compared_with(
    asked: Case, vendor: Stub, line: Line, home: Path
) -> None:
    run_id = asked.run_id
    vendor.mode = "invented"
    packages.analyse_again(asked.user, asked.package_id, line)
    line.drive()
    for path in (home / "objects").rglob(f"*/{asked.package_id}/found-{run_id.hex}-llm.facts*"):
        path.unlink()
    found = {one.analyzer: one for one in replay(run_id)}
    assert found["llm.facts"].compared == "newest"
    assert not found["llm.facts"].equal
    assert found["llm.traits"].compared == "run"
    assert found["llm.traits"].equal
    assert "from the newest run of the package" in CliRunner().invoke(cli, ["replay", str(run_id)]).stdout


def test_the_evidence_of_a_repetition_is_proven_like_the_runs(
    case: Make, vendor: Stub, setting: Callable[..., None], tmp_path: Path
) -> None:
    setting(llm_models=table(tmp_path, "stub-thin", "claude-sonnet-5-5"))
    one = case("\n\n".join(f"I love reading on walk {n}, most of all when the rain falls on us." for n in range(12)))
    assert one.run().state == "done"
    (found,) = replay(one.run_id, "stub-thin")
    assert (found.gained, found.lost) == ((), ())
    # One real sentence and an invented one: where three were, one is left.
    (changed,) = found.traits["changed"]
    assert (changed["name"], changed["category"], changed["evidence"]) == ("Likes reading", "Interest", [3, 1])
    assert found.after is not None
    assert (found.after["quotes"], found.after["fabricated"]) == (2, 1)
    shown = CliRunner().invoke(cli, ["replay", str(one.run_id), "--model", "stub-thin"])
    assert "~ trait Likes reading (Interest), 1 passages instead of 3" in shown.stdout


def test_what_was_sent_is_shown_without_loading_what_analyses() -> None:
    heavy = "{'app.analyzers.llm.analyse', 'app.analyzers.llm.redact', 'wordfreq', 'anthropic'}"
    ours = "app.services.llm.sent, app.services.llm.replay, app.services.results"
    code = f"import sys, {ours}; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
