"""Every misbehaviour of the vendor through a whole fleet: what becomes of it, and that nobody's words are left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.lane import Lane, lane_up
from tests.acceptance.leaks import forms, leaks, overheard
from tests.acceptance.misbehaviours import MODES, PHRASES, Row, carry_out, markdown

pytestmark = pytest.mark.fleet

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
    with lane_up(tmp_path / "lane", request.param, ECHO_LLM_DEADLINE_S="3") as up:
        yield up


def as_expected(row: Row) -> None:
    found = (row.state, row.code, list(row.outcomes))
    if row.mode.passing:
        assert found[:2] == ("pending", "vendor_unavailable")
        assert row.wait_s is not None
        least, most = {"429": (600, 670), "429-date": (80, 105)}.get(row.mode.name, (5, 15))
        assert least <= row.wait_s <= most, row
        # It used up a try and no attempt, and ends well as soon as the vendor does.
        assert (row.attempts, row.waits, row.later, row.run) == (0, 1, "done", "done"), row
    else:
        assert found == ENDED[row.mode.name]
        assert row.later == row.state
        assert row.run == ("done" if row.state == "done" else "partial")
    assert bool(row.said) == (row.state != "done")


def test_each_misbehaviour_ends_as_the_table_says_and_leaves_nobodys_words_behind(lane: Lane, tmp_path: Path) -> None:
    with overheard(lane.fleet) as heard:
        rows = carry_out(lane, tmp_path)
    print(f"\n{markdown(rows)}\n")  # noqa: T201 - the table that is published
    for row in rows:
        as_expected(row)
    by_mode = {row.mode.name: row for row in rows}
    for mode, dropped in (("invented", "fabricated"), ("others", "others"), ("obey", "instructed")):
        row = by_mode[mode]
        assert row.counts is not None
        assert (row.kept, row.counts[dropped] > 0) == ((), True), row
    assert by_mode["honest"].kept
    # Without end, but no dearer than the longest answer that was asked for, which the budget was asked for before.
    worst = 16_000 * 10 / 1e6
    assert worst * 0.9 < by_mode["enormous"].cost < worst * 1.1
    assert leaks(lane.fleet, PHRASES, heard) == []
    # That the search finds what is there: the documents that left, and a word of the metrics.
    sent = b"".join(request.raw for request in lane.watch.stub.requests)
    for phrase in PHRASES[:3]:
        assert any(form in sent for form in forms(phrase)), phrase
    assert ("metrics", "echosphere_llm") in leaks(lane.fleet, ["echosphere_llm"])
    assert heard
    assert {row.mode for row in rows} == set(MODES)
