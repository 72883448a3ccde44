"""Asking twice in the ledger, in what is stored, and in a price beforehand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.analyzers.llm.analyse import requests
from app.analyzers.llm.prompts import AGAIN
from app.asking import Usage
from app.database import transaction
from app.features import feature_store
from app.services.layers import load_main_layer
from app.services.llm import ledger, vendors
from app.services.llm.quote import quote
from tests.integration.llm.conftest import VENDOR, Case
from tests.integration.rows.conftest import LETTER
from tests.stub_anthropic import Stub

MODEL = "claude-sonnet-5-5"
Make = Callable[..., Case]
Setting = Callable[..., None]


def features(one: Case, analyzer: str) -> dict[str, Any]:
    (found,) = [doc for doc in feature_store().of_package(one.user, one.package_id) if doc.analyzer == analyzer]
    return found.extracted_features


def whole(one: Case) -> Case:
    for lane in one.lanes:
        assert one.run(lane.removeprefix("llm:")).state == "done"
    return one


def test_unless_it_is_wanted_nothing_is_asked_twice(case: Make, vendor: Stub) -> None:
    one = whole(case())
    assert len(vendor.messages) == len(one.lanes)
    assert features(one, "llm.facts")["askedTwice"] == 0


def test_each_further_question_is_a_call_of_its_own_at_the_price_of_the_cache(
    case: Make, vendor: Stub, setting: Setting
) -> None:
    setting(llm_ask_twice=1.0)
    one = whole(case())
    first = [call for call in one.calls() if call.prompt != AGAIN]
    again = [call for call in one.calls() if call.prompt == AGAIN]
    assert (len(first), len(again), len(vendor.messages)) == (6, 6, 12)
    for call in one.calls():
        usage = Usage(call.input_tokens, call.output_tokens, call.cache_write_tokens, call.cache_read_tokens)
        assert (call.outcome, call.cost) == ("answered", vendors.price(usage))
    # The document was read from the cache; the claims were not in it.
    assert all(call.cache_write_tokens == 0 < call.cache_read_tokens for call in again)
    with transaction() as connection:
        assert ledger.spent_this_month(connection, one.user) == sum(call.cost for call in [*first, *again])


@pytest.mark.parametrize("mode", ["honest", "again-invented", "fickle"])
def test_each_answer_is_judged_by_itself(mode: str, case: Make, vendor: Stub, setting: Setting) -> None:
    setting(llm_ask_twice=1.0)
    vendor.mode = mode
    one = case()
    assert one.run().state == "done"
    first, again = one.calls()
    stored = features(one, "llm.facts")
    assert [(call.prompt, call.quotes, call.fabricated) for call in (first, again)] == [
        (row["prompt"], row["quotes"], row["fabricated"]) for row in stored["perWindow"]
    ]
    assert (first.fabricated, again.fabricated) == (0, 3 if mode == "again-invented" else 0)
    assert (stored["findings"] != []) is (mode == "honest")
    assert stored["unstable"] == (0 if mode == "honest" else stored["askedTwice"])


def test_nothing_of_what_did_not_stand_becomes_a_candidate(case: Make, vendor: Stub, setting: Setting) -> None:
    setting(llm_ask_twice=1.0)
    vendor.mode = "fickle"
    one = whole(case())
    one.finish()
    assert [features(one, lane.removeprefix("llm:"))["findings"] for lane in one.lanes] == [[]] * 6


def test_a_budget_that_leaves_no_room_for_the_second_question_ends_the_step(
    case: Make, vendor: Stub, setting: Setting
) -> None:
    one = case()
    with transaction() as connection:
        found = load_main_layer(connection, one.user, one.package_id)
    assert found is not None
    # Room for one worst case, and not for another one beside what the first question really cost.
    worst = vendors.worst(requests(found[1], {"task": "facts"})[0], MODEL)
    setting(llm_ask_twice=1.0, llm_budget_run=worst + Decimal("0.0001"))
    step = one.run()
    assert (step.state, step.reason["code"]) == ("failed", "budget_exhausted")
    assert [(call.prompt, call.outcome) for call in one.calls()] == [("facts.v1", "answered")]
    assert len(vendor.messages) == 1


def test_a_price_beforehand_counts_the_further_questions_and_holds(case: Make, vendor: Stub, setting: Setting) -> None:
    once = quote(LETTER.encode(), (VENDOR,))
    assert (once.questions, once.asked_again) == (6, 0)
    setting(llm_ask_twice=1.0)
    said = quote(LETTER.encode(), (VENDOR,))
    assert (said.questions, said.asked_again) == (12, 6)
    assert said.as_json()["askedAgain"] == 6
    assert once.about < said.about
    assert once.at_most < said.at_most
    assert said.tokens > 2 * once.tokens
    calls = whole(case()).calls()
    assert len(calls) == said.questions
    tokens = sum(call.input_tokens + call.cache_write_tokens + call.cache_read_tokens for call in calls)
    assert tokens == pytest.approx(said.tokens, rel=0.2)
    assert sum((call.cost for call in calls), Decimal(0)) < said.about < said.at_most


def test_who_asks_twice_may_be_chosen_by_analyzer(case: Make, vendor: Stub, setting: Setting) -> None:
    setting(analyzer_options={"llm.facts": {"ask_twice": 1.0}})
    one = whole(case())
    assert [call.prompt for call in one.calls()].count(AGAIN) == 1
    assert quote(LETTER.encode(), (VENDOR,)).asked_again == 1
    assert features(one, "llm.facts")["options"]["askTwice"] == 1.0
