"""Every misbehaviour of the vendor through a whole fleet: what becomes of it, and that nobody's words are left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.lane import Lane, lane_up
from tests.acceptance.leaks import forms, leaks, overheard
from tests.acceptance.misbehaviours import DEADLINE_S, MODES, PHRASES, Row, carry_out, markdown
from tests.stub_answers import texts
from tests.stub_anthropic import ERRORS

pytestmark = pytest.mark.fleet
#: With RabbitMQ the vendor is the same; its own files are what is searched there.
FEW = ("honest", "529", "400", "obey")
#: Texts of good form, which prove what they claim, some of them only once; other tests show what they are worth.
SOUND = {"related", "silent", "thin", "fickle", "against"}
#: In no place but the metrics: what shows that the search finds what is there.
CONTROL = "# HELP echosphere_llm_calls"

#: Mode to the state of the step, the code of its reason and the outcomes of its calls.
ENDED = {
    "honest": ("done", "", ["answered"]),
    "elsewhere": ("failed", "invalid_answer", ["invalid_answer"] * 2),
    "expired": ("failed", "vendor_unavailable", ["auth"]),
    "unpaid": ("failed", "vendor_unavailable", ["auth"]),
    "barred": ("failed", "vendor_unavailable", ["auth"]),
    "no-model": ("failed", "vendor_unavailable", ["not_found"]),
    "413": ("failed", "limit_exceeded", ["too_large"]),
    "too-long": ("failed", "limit_exceeded", ["too_large"]),
    "400": ("failed", "vendor_unavailable", ["invalid_request"]),
    "refusal": ("failed", "vendor_refused", ["refused"]),
    "max-tokens": ("failed", "invalid_answer", ["cut_off"]),
    "cut-json": ("failed", "invalid_answer", ["answered"] * 2),
    "not-json": ("failed", "invalid_answer", ["answered"] * 2),
    "wrong-shape": ("failed", "invalid_answer", ["answered"] * 2),
    "repairable": ("done", "", ["answered"] * 2),
    "garbage": ("failed", "invalid_answer", ["invalid_answer"] * 2),
    "enormous": ("failed", "limit_exceeded", ["too_large"]),
    "invented": ("done", "", ["answered"]),
    "others": ("done", "", ["answered"]),
    "obey": ("done", "", ["answered"]),
}


@pytest.fixture(params=["redis", "rabbitmq"])
def lane(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lane]:
    with lane_up(tmp_path / "lane", request.param, ECHO_LLM_DEADLINE_S=DEADLINE_S) as up:
        yield up


def as_expected(row: Row) -> None:
    found = (row.state, row.code, list(row.outcomes))
    if row.mode.passing:
        assert found[:2] == ("pending", "vendor_unavailable")
        assert row.wait_s is not None
        least, most = {"429": (600, 670), "429-date": (80, 105)}.get(row.mode.name, (5, 30))
        assert least <= row.wait_s <= most, row
        # It used up a try and no attempt, and ends well as soon as the vendor does.
        assert (row.attempts, row.waits, row.later, row.run) == (0, 1, "done", "done"), row
    else:
        assert found == ENDED[row.mode.name]
        assert row.later == row.state
        assert row.run == ("done" if row.state == "done" else "partial")
    assert bool(row.said) == (row.state != "done")


def test_the_table_has_every_misbehaviour_of_the_stub_and_an_end_for_each() -> None:
    asked = {"content": [{"type": "document", "source": {"data": "[P] I walk along the river."}}]}
    names = [mode.name for mode in MODES]
    assert len(names) == len(set(names))
    assert (ERRORS.keys() | texts({"messages": [asked]}).keys()) - SOUND <= set(names)
    assert {mode.name for mode in MODES if not mode.passing} == set(ENDED)


@pytest.mark.timeout(900)
def test_each_misbehaviour_ends_as_the_table_says_and_leaves_nobodys_words_behind(lane: Lane, tmp_path: Path) -> None:
    modes = tuple(mode for mode in MODES if not lane.fleet.rabbit or mode.name in FEW)
    with overheard(lane.fleet) as heard:
        rows = carry_out(lane, tmp_path, modes)
    print(f"\n{markdown(rows)}\n")  # noqa: T201 - the table that is published
    for row in rows:
        as_expected(row)
    by_mode = {row.mode.name: row for row in rows}
    assert by_mode["honest"].kept
    for mode, dropped in (("invented", "fabricated"), ("others", "others"), ("obey", "instructed")):
        if mode in by_mode:
            row = by_mode[mode]
            assert row.counts is not None
            assert (row.kept, row.counts[dropped] > 0) == ((), True), row
    if "enormous" in by_mode:
        # Without end, but no dearer than the longest answer that was asked for, which the budget was asked for before.
        worst = 16_000 * 10 / 1e6
        assert worst * 0.9 < by_mode["enormous"].cost < worst * 1.1
    assert heard
    assert leaks(lane.fleet, [*PHRASES, CONTROL], heard) == [("metrics", CONTROL)]
    # The documents that left did hold what was searched for; somebody else's words are in one of them alone.
    sent = b"".join(request.raw for request in lane.watch.stub.requests)
    for phrase in PHRASES[: 3 if "others" in by_mode else 2]:
        assert any(form in sent for form in forms(phrase)), phrase
