"""The adapter of the vendor's batches against the stub: what travels, what comes back, how long anything may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.analyzers.llm import anthropic_vendor
from app.analyzers.llm.analyse import requests
from app.analyzers.llm.anthropic_batches import AnthropicBatches
from app.analyzers.llm.anthropic_vendor import Anthropic
from app.analyzers.llm.port import PASSING, VendorError, VendorErrorKind
from app.asking import Answer, Request
from tests.stub_anthropic import Stub, running
from tests.stub_batches import Batch
from tests.unit.llm.texts import letter

MODEL = "claude-sonnet-5-5"
DEADLINE_S = 3.0


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as started:
        yield started


@pytest.fixture
def questions() -> list[tuple[str, Request]]:
    return [(task, requests(letter(), {"task": task})[0]) for task in ("facts", "traits", "stance")]


@pytest.fixture
def api(stub: Stub) -> AnthropicBatches:
    return AnthropicBatches(api_key="a-key", model=MODEL, base_url=stub.url)


def results(api: AnthropicBatches, vendor_id: str) -> dict[str, Answer | VendorError]:
    found: dict[str, Answer | VendorError] = {}

    def take(ours: str, said: Answer | VendorError) -> bool:
        found[ours] = said
        return True

    api.results(vendor_id, DEADLINE_S, take)
    return found


def test_a_question_in_a_batch_is_the_one_that_travels_alone_and_has_its_answer(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    made = api.create(questions, DEADLINE_S)
    assert (made.ended, made.questions) == (True, 3)
    alone = {
        ours: Anthropic(api_key="a-key", model=MODEL, base_url=stub.url).complete(one, 9) for ours, one in questions
    }
    asked = {one["custom_id"]: one["params"] for one in stub.batches.asked}
    for (ours, _), single in zip(questions, stub.messages, strict=True):
        assert {**asked[ours], "stream": True} == single
    said = results(api, made.vendor_id)
    for ours, answer in alone.items():
        got = said[ours]
        assert isinstance(got, Answer)
        assert (got.data, got.stop_reason, got.model, got.size) == (
            answer.data,
            answer.stop_reason,
            answer.model,
            answer.size,
        )


def test_results_come_from_the_address_that_was_set_and_not_from_where_an_answer_points(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    made = api.create(questions, DEADLINE_S)
    assert "elsewhere.example" in str(stub.batches.created[made.vendor_id].as_json()["results_url"])
    assert len(results(api, made.vendor_id)) == 3


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ("expired", VendorErrorKind.TIMEOUT),
        ("canceled", VendorErrorKind.CANCELLED),
        ("errored:overloaded_error", VendorErrorKind.OVERLOADED),
        ("errored:api_error", VendorErrorKind.SERVER),
        ("errored:invalid_request_error", VendorErrorKind.INVALID_REQUEST),
        ("errored:authentication_error", VendorErrorKind.AUTH),
        ("garbled", VendorErrorKind.INVALID_ANSWER),
        ("wordless", VendorErrorKind.INVALID_ANSWER),
        ("errored:null", VendorErrorKind.INVALID_ANSWER),
        ("null", VendorErrorKind.INVALID_ANSWER),
        ("odd", VendorErrorKind.INVALID_ANSWER),
    ],
)
def test_what_befalls_one_question_is_its_own(
    fate: str, kind: VendorErrorKind, stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    stub.batches.fate = lambda place: fate if place == 1 else "succeeded"
    said = results(api, api.create(questions, DEADLINE_S).vendor_id)
    error = said["traits"]
    assert isinstance(error, VendorError)
    assert error.kind is kind
    assert isinstance(said["facts"], Answer)
    assert isinstance(said["stance"], Answer)


def test_a_line_that_is_no_json_is_handed_over_without_an_id_and_ends_nothing(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    stub.batches.fate = lambda place: "broken" if place == 1 else "succeeded"
    said = results(api, api.create(questions, DEADLINE_S).vendor_id)
    assert {*said} == {"facts", "", "stance"}
    error = said[""]
    assert isinstance(error, VendorError)
    assert error.kind is VendorErrorKind.INVALID_ANSWER
    assert isinstance(said["facts"], Answer)
    assert isinstance(said["stance"], Answer)


def test_an_answer_that_cannot_be_read_says_what_it_cost(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.batches.fate = lambda _: "wordless"
    wordless = results(api, api.create(questions, DEADLINE_S).vendor_id)
    stub.batches.fate = lambda _: "succeeded"
    monkeypatch.setattr(anthropic_vendor, "MOST_TEXT", 10)
    too_long = results(api, api.create(questions, DEADLINE_S).vendor_id)
    for found, kind in ((wordless, VendorErrorKind.INVALID_ANSWER), (too_long, VendorErrorKind.TOO_LARGE)):
        for said in found.values():
            assert isinstance(said, VendorError)
            assert (said.kind, said.model, said.request_id[:4]) == (kind, MODEL, "msg_")
            assert said.usage.prompt > 500
            assert said.usage.output > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"usage": {"input_tokens": 10**30, "output_tokens": 5}},
        {"usage": {"input_tokens": -5, "output_tokens": 5}},
        {"usage": {"input_tokens": "many", "output_tokens": 5}},
        {"stop_reason": None},
        {"content": [{"type": "text", "text": 7}]},
        {"content": [{"type": "text", "text": "{}"}], "id": "\0", "model": "\0"},
    ],
)
def test_figures_and_names_that_no_row_could_hold_are_not_handed_on(
    wrong: dict[str, Any], stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    made = api.create(questions, DEADLINE_S)
    for line in stub.batches.created[made.vendor_id].lines:
        line["result"]["message"].update(wrong)
    found = results(api, made.vendor_id)
    assert len(found) == 3
    for said in found.values():
        assert 0 <= said.usage.input < 2**31
        assert "\0" not in said.model + said.request_id
        assert isinstance(said, Answer) is ("id" in wrong)
        if isinstance(said, VendorError):
            assert said.kind is VendorErrorKind.INVALID_ANSWER
        assert (said.usage.output > 0) is ("usage" not in wrong)


@pytest.mark.parametrize(("mode", "kind"), [("refusal", "refused"), ("max-tokens", "cut_off")])
def test_an_answer_that_is_none_says_what_it_cost(
    mode: str, kind: str, stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    stub.mode = mode
    for said in results(api, api.create(questions, DEADLINE_S).vendor_id).values():
        assert isinstance(said, VendorError)
        assert (str(said.kind), said.model) == (kind, MODEL)
        assert said.usage.prompt > 500


@pytest.mark.parametrize(
    ("refuse", "kind"),
    [
        ((401, "authentication_error"), VendorErrorKind.AUTH),
        ((429, "rate_limit_error"), VendorErrorKind.RATE_LIMITED),
        ((500, "api_error"), VendorErrorKind.SERVER),
        ((529, "overloaded_error"), VendorErrorKind.OVERLOADED),
        ((413, "request_too_large"), VendorErrorKind.TOO_LARGE),
    ],
)
def test_every_address_of_the_batches_refuses_in_our_words_and_once(
    refuse: tuple[int, str],
    kind: VendorErrorKind,
    stub: Stub,
    api: AnthropicBatches,
    questions: list[tuple[str, Request]],
) -> None:
    stub.batches.refuse = refuse
    calls = (
        lambda: api.create(questions, DEADLINE_S),
        lambda: api.look("msgbatch_1", DEADLINE_S),
        lambda: results(api, "msgbatch_1"),
        lambda: api.cancel("msgbatch_1", DEADLINE_S),
        lambda: api.delete("msgbatch_1", DEADLINE_S),
        lambda: api.since(datetime.now(UTC), DEADLINE_S),
    )
    for call in calls:
        with pytest.raises(VendorError) as caught:
            call()
        assert caught.value.kind is kind
        assert caught.value.passing is (kind in PASSING)
    assert len(stub.requests) == 2  # those with a body: none was made twice


def test_what_takes_a_result_may_stop_and_may_fail_as_it_likes(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    vendor_id = api.create(questions, DEADLINE_S).vendor_id
    seen: list[str] = []

    def stop(ours: str, _: Answer | VendorError) -> bool:
        seen.append(ours)
        return False

    api.results(vendor_id, DEADLINE_S, stop)
    assert len(seen) == 1

    def fail(_ours: str, _said: Answer | VendorError) -> bool:
        raise ConnectionResetError("ours, and not the vendor's")

    with pytest.raises(ConnectionResetError):
        api.results(vendor_id, DEADLINE_S, fail)


def test_a_batch_that_is_gone_is_deleted_and_those_of_a_time_are_listed(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    old = Batch("old", [], created_at=datetime.now(UTC) - timedelta(hours=1))
    stub.batches.created["old"] = old
    made = api.create(questions, DEADLINE_S)
    listed = api.since(datetime.now(UTC) - timedelta(minutes=5), DEADLINE_S)
    assert [one.vendor_id for one in listed] == [made.vendor_id]
    api.delete(made.vendor_id, DEADLINE_S)
    api.delete(made.vendor_id, DEADLINE_S)
    assert stub.batches.deleted == [made.vendor_id]
    with pytest.raises(VendorError) as caught:
        api.look(made.vendor_id, DEADLINE_S)
    assert caught.value.kind is VendorErrorKind.NOT_FOUND


def test_no_address_is_waited_for_beyond_the_deadline(
    stub: Stub, api: AnthropicBatches, questions: list[tuple[str, Request]]
) -> None:
    begun = time.monotonic()
    with stub.batches.lock, pytest.raises(VendorError) as caught:  # the stub cannot answer meanwhile
        api.create(questions, 0.5)
    assert caught.value.kind is VendorErrorKind.TIMEOUT
    assert time.monotonic() - begun < DEADLINE_S
