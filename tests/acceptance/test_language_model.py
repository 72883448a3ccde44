"""The language-model lane as operations run it: what leaves and what does not, and who dies and what is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.analyzers.catalog import catalog
from app.services.llm import breaker
from tests.acceptance import network
from tests.acceptance.conftest import ROOT, Fleet, nothing_twice
from tests.acceptance.lane import EVERYTHING, LOCAL, Lane, lane_up, letters, mark

pytestmark = pytest.mark.fleet
PERSONA = ROOT / "examples" / "persona"
KINDS = ("diary.md", "letters.txt", "essay.docx", "voice_note.ogg", "note.png")
SCALE = 3
CONCURRENCY = 6


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A fleet of three llm workers, its vendor a stub, its processes recorded."""
    place = tmp_path_factory.mktemp("lane")
    with lane_up(place, "redis", "--scale", f"llm={SCALE}", ECHO_LLM_CONCURRENCY=str(CONCURRENCY)) as up:
        yield up


@pytest.fixture(autouse=True)
def rested(lane: Lane) -> None:
    lane.reset()


def states(got: dict[str, Any]) -> Counter[str]:
    return Counter(package["runStatus"] for package in got["packages"])


def analyzers_done(got: dict[str, Any]) -> set[str]:
    return {step["analyzer"] for package in got["packages"] for step in package["steps"] if step["status"] == "done"}


def traced(lane: Lane) -> list[tuple[int, network.Address]]:
    """What the kernel saw; where nobody may look at it, CI says so."""
    if lane.trace:
        return network.traced(lane.trace)
    if os.environ.get("CI"):
        # .ci/run installs it; whether the system lets it trace is not ours to say.
        assert shutil.which("strace"), "strace is not installed"
        warnings.warn("this system lets nobody trace: no connect(2) was checked in the kernel", stacklevel=2)
    return []


def inputs(folder: Path) -> list[str]:
    """A file of every kind that somebody may upload."""
    page = folder / "page.html"
    text = (PERSONA / "letters.txt").read_text(encoding="utf-8").replace("\n\n", "</p><p>")
    remote = '<img src="http://tracker.invalid/a.png"><link rel="stylesheet" href="http://tracker.invalid/a.css">'
    page.write_text(
        f"<!DOCTYPE html><html><head><title>Letters</title></head><body>{remote}<p>{text}</p></body></html>"
    )
    return [*(str(PERSONA / name) for name in KINDS), str(page)]


def test_nothing_leaves_without_the_vendors_scope_and_with_it_only_llm_workers_call_it(
    lane: Lane, tmp_path: Path
) -> None:
    own, vendor = network.own_addresses(lane.fleet.settings()), ("127.0.0.1", lane.port)
    begun, asked, connects = time.time(), len(lane.watch.stub.requests), len(traced(lane))
    here = lane.fleet.json("analyze", *inputs(tmp_path), "--user", "local", "--consent", LOCAL)
    assert states(here) == {"done": len(KINDS) + 1}, here["packages"]
    recorded = network.events(lane.recorder)
    started = " ".join({event.argv for event in recorded if event.event == "started"})
    for kind in ("text", "audio", "gpu", "llm", "control", "maintenance", "beat", "gunicorn", "sandbox_child"):
        assert kind in started, f"no process of this kind was recorded: {kind}"
    assert len(lane.watch.stub.requests) == asked
    # Other tests of this module may have asked the vendor before; nobody else was ever called, not even at the start.
    assert network.strangers(recorded, own | {vendor}) == []
    assert network.strangers((event for event in recorded if event.at >= begun), own) == []
    assert network.resolved(recorded) == []
    everywhere = [address for _, address in traced(lane)]
    assert set(everywhere) <= own | {vendor}
    assert set(everywhere[connects:]) <= own

    asked_at = time.time()
    there = lane.fleet.json("analyze", str(PERSONA / "letters.txt"), "--user", "vendor", "--consent", EVERYTHING)
    assert states(there) == {"done": 1}
    recorded = network.events(lane.recorder, asked_at)
    calling = [event for event, where in network.called(recorded) if where == vendor]
    assert calling
    assert {" ".join(event.argv.split()[-3:]) for event in calling} == {"-A workers.llm worker"}
    assert network.strangers(recorded, own | {vendor}) == []
    assert network.resolved(recorded) == []
    if lane.trace:
        workers = {process.pid for process in lane.fleet.processes("workers.llm")}
        threads = {int(thread.name) for pid in workers for thread in Path(f"/proc/{pid}/task").iterdir()}
        callers = {pid for pid, address in traced(lane)[connects:] if address == vendor}
        assert callers
        assert callers <= threads
    # Those that need a local model are run in tests/integration/llm/test_nothing_leaves.py, which has tiny ones.
    needs_model = {row.name for row in catalog().values() if row.model}
    assert analyzers_done(here) | analyzers_done(there) | needs_model == set(catalog())
    assert not {name for name in analyzers_done(here) if name.startswith("llm.")}


def _ledger(fleet: Fleet, user: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Of each step of the llm queue, by the word of its document and its task: attempts, and its calls by outcome."""
    rows = fleet.sql(
        "SELECT p.file_name, s.analyzer, s.state, s.attempts, s.waits,"
        " array_remove(array_agg(c.outcome), NULL) AS outcomes"
        " FROM steps s JOIN packages p USING (package_id) LEFT JOIN llm_calls c USING (step_id)"
        " WHERE s.user_id = %s AND s.queue = 'llm' GROUP BY 1, 2, 3, 4, 5",
        user,
    )

    def key(row: dict[str, Any]) -> tuple[str, str]:
        number = int(Path(row["file_name"]).stem.partition("-")[2])
        return mark(number), row["analyzer"].partition(".")[2]

    return {key(row): {**row, "outcomes": Counter(row["outcomes"])} for row in rows}


@pytest.mark.timeout(900)
def test_workers_killed_in_the_middle_of_calls_lose_and_double_nothing(lane: Lane, tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201 - needed to repeat it
    rng, kills = random.Random(seed), 0
    lane.watch.latency_s, begun = 0.5, time.time()
    files = letters(tmp_path, range(100, 120))
    running = lane.fleet.start("analyze", *files, "--user", "killed-llm", "--consent", EVERYTHING, "--json")
    # One fewer than a step has attempts: whoever is hit every time still ends.
    while kills < 3 and running.poll() is None:
        callers = [process for process in lane.fleet.processes("workers.llm") if lane.calls(process)]
        if callers:
            rng.choice(callers).send_signal(signal.SIGKILL)
            kills += 1
        time.sleep(rng.uniform(0.6, 1.2))
    got = json.loads(running.communicate(timeout=120)[0])
    assert kills == 3
    assert states(got) == {"done": 20}, f"seed {seed}"
    nothing_twice(lane.fleet, "killed-llm")

    steps, calls = _ledger(lane.fleet, "killed-llm"), lane.watch.since(begun)
    asked = Counter((call.mark, call.task) for call in calls)
    answered = Counter((call.mark, call.task) for call in calls if not call.gone)
    assert set(asked) == set(steps)
    assert {step["state"] for step in steps.values()} == {"done"}
    for key, step in steps.items():
        # Paid once in the ledger; a question is put again only where its worker was killed, once for each time.
        assert step["outcomes"]["answered"] == 1
        assert asked[key] <= step["outcomes"].total() <= step["attempts"]
        assert answered[key] <= step["attempts"]
    lost = sum(step["outcomes"]["open"] for step in steps.values())
    twice = sum(count - 1 for count in answered.values())
    assert len(calls) <= len(steps) + lost
    assert lane.watch.most <= CONCURRENCY
    print(  # noqa: T201 - the figures
        f"kills {kills}, questions {len(calls)} for {len(steps)} steps, hung up {sum(call.gone for call in calls)}, "
        f"open in the ledger {lost}, answered twice {twice}, most at a time {lane.watch.most}"
    )


@pytest.mark.timeout(900)
def test_an_overloaded_vendor_is_left_alone_by_all_workers_and_then_asked_by_one(lane: Lane, tmp_path: Path) -> None:
    lane.watch.stub.mode, begun = "529", time.time()
    files = letters(tmp_path, range(200, 206))
    running = lane.fleet.start("analyze", *files, "--user", "overloaded", "--consent", EVERYTHING, "--json")
    # Read once: until it is closed its time only moves on.
    (row,) = lane.fleet.until(
        "SELECT extract(epoch FROM opened_at)::float AS opened, extract(epoch FROM open_until)::float AS until"
        " FROM llm_breakers WHERE open_until > now()"
    )
    # A call that was let in before it opened may still be on its way.
    late = row["opened"] + 1
    lane.fleet.until("SELECT 1 WHERE extract(epoch FROM now()) > %s", late)
    lane.watch.stub.mode, lane.watch.latency_s = "honest", 3.0
    lane.fleet.until("SELECT 1 FROM llm_breakers WHERE open_until IS NULL", seconds=60)
    lane.watch.latency_s = 0.0
    got = json.loads(running.communicate(timeout=120)[0])
    assert states(got) == {"done": 6}
    before = [call for call in lane.watch.since(begun) if call.began <= late]
    tried, *others = [call for call in lane.watch.since(begun) if call.began > late]
    assert breaker.FAILURES <= len(before) <= breaker.FAILURES + CONCURRENCY
    assert row["until"] - row["opened"] >= breaker.FIRST_S - 1
    assert tried.began >= row["until"]
    # The others came when it was answered.
    beside = [call.began - tried.began for call in others if call.began < tried.ended]
    assert (beside, tried.gone) == ([], False)
    assert others
    ended = _ledger(lane.fleet, "overloaded")
    assert {step["state"] for step in ended.values()} == {"done"}
    assert max(step["waits"] for step in ended.values()) <= 2


def test_a_question_that_kills_its_worker_ends_as_worker_lost_and_others_go_on(lane: Lane, tmp_path: Path) -> None:
    begun = time.time()
    poison = lane.fleet.start(
        "analyze", *letters(tmp_path, range(300, 301), "PLEASE DIE."), "--user", "poison-llm", "--consent", EVERYTHING,
        "--json",
    )  # fmt: skip
    others = lane.fleet.json(
        "analyze", *letters(tmp_path, range(310, 316)), "--user", "beside-llm", "--consent", EVERYTHING
    )
    assert states(others) == {"done": 6}
    (package,) = json.loads(poison.communicate(timeout=200)[0])["packages"]
    steps = {step["analyzer"]: step for step in package["steps"]}
    assert package["runStatus"] == "partial"
    assert (steps["llm.stance"]["status"], steps["llm.stance"]["reason"]["code"]) == ("failed", "worker_lost")
    assert {steps[f"llm.{task}"]["status"] for task in ("traits", "facts", "concepts", "style", "summary")} == {"done"}
    row = _ledger(lane.fleet, "poison-llm")[mark(300), "stance"]
    # It died four times over one answer, which was paid once.
    assert (row["attempts"], row["outcomes"]) == (4, {"answered": 1})
    assert len([call for call in lane.watch.since(begun) if (call.mark, call.task) == (mark(300), "stance")]) == 1
