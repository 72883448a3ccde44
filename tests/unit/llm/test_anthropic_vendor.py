"""The adapter against a real server that misbehaves: each misbehaviour has a kind, none takes longer than allowed."""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from app.analyzers.llm.analyse import requests
from app.analyzers.llm.anthropic_errors import retry_after
from app.analyzers.llm.anthropic_vendor import GRACE_S, Anthropic
from app.analyzers.llm.port import PASSING, Request, Usage, VendorError, VendorErrorKind
from tests.stub_anthropic import Stub
from tests.unit.llm.texts import PARAGRAPHS, letter, own, vendor

DEADLINE_S = 1.0
#: What the machine may need beside the deadline.
SLACK_S = 1.5


@pytest.fixture(scope="module")
def request_() -> Request:
    return requests(letter(), {"task": "facts"})[0]


def failed(stub: Stub, mode: str, request: Request, **key: str) -> VendorError:
    asked = Anthropic(api_key=key.get("api_key", "a-key"), model=f"stub-{mode}", base_url=stub.url)
    begun = time.monotonic()
    with pytest.raises(VendorError) as caught:
        asked.complete(request, DEADLINE_S)
    assert time.monotonic() - begun < DEADLINE_S + GRACE_S + SLACK_S
    return caught.value


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("429", VendorErrorKind.RATE_LIMITED),
        ("529", VendorErrorKind.OVERLOADED),
        ("error-event", VendorErrorKind.OVERLOADED),
        ("500", VendorErrorKind.SERVER),
        ("503", VendorErrorKind.SERVER),
        ("504", VendorErrorKind.TIMEOUT),
        ("hang", VendorErrorKind.TIMEOUT),
        ("drip", VendorErrorKind.TIMEOUT),
        ("drip-bytes", VendorErrorKind.TIMEOUT),
        ("drip-head", VendorErrorKind.TIMEOUT),
        ("close", VendorErrorKind.CONNECTION),
        ("expired", VendorErrorKind.AUTH),
        ("unpaid", VendorErrorKind.AUTH),
        ("barred", VendorErrorKind.AUTH),
        ("no-model", VendorErrorKind.NOT_FOUND),
        ("refusal", VendorErrorKind.REFUSED),
        ("max-tokens", VendorErrorKind.CUT_OFF),
        ("enormous", VendorErrorKind.TOO_LARGE),
        ("413", VendorErrorKind.TOO_LARGE),
        ("too-long", VendorErrorKind.TOO_LARGE),
        ("400", VendorErrorKind.INVALID_REQUEST),
        ("garbage", VendorErrorKind.INVALID_ANSWER),
        ("elsewhere", VendorErrorKind.INVALID_ANSWER),
    ],
)
def test_every_misbehaviour_has_its_kind_in_bounded_time_and_one_attempt(
    stub: Stub, request_: Request, mode: str, kind: VendorErrorKind
) -> None:
    error = failed(stub, mode, request_)
    assert error.kind is kind
    assert error.passing is (kind in PASSING)
    assert len(stub.requests) == 1


def test_an_answer_that_breaks_off_is_billed_as_far_as_it_came(stub: Stub, request_: Request) -> None:
    error = failed(stub, "max-tokens", request_)
    assert error.usage.prompt > 500
    assert error.usage.output > 100
    assert (error.model, error.request_id[:4]) == ("stub-max-tokens", "msg_")
    assert failed(stub, "429", request_).usage == Usage()


def test_what_the_vendor_says_of_waiting_is_kept(stub: Stub, request_: Request) -> None:
    assert failed(stub, "429", request_).retry_after_s == 600.0
    assert failed(stub, "429-date", request_).retry_after_s == pytest.approx(90, abs=5)
    assert failed(stub, "429-bare", request_).retry_after_s is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "600"}, 1.5),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({}, None),
    ],
)
def test_waiting_is_read_as_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_key_that_has_expired_is_said_to_be_the_key(stub: Stub, request_: Request) -> None:
    error = failed(stub, "honest", request_, api_key="expired")
    assert error.kind is VendorErrorKind.AUTH
    assert "ECHO_ANTHROPIC_API_KEY" in error.message


def test_a_model_that_does_not_exist_is_said_to_be_the_model(stub: Stub, request_: Request) -> None:
    with pytest.raises(VendorError, match="ECHO_ANTHROPIC_MODEL") as caught:
        Anthropic(api_key="a-key", model="gpt-4", base_url=stub.url).complete(request_, 5.0)
    assert caught.value.kind is VendorErrorKind.NOT_FOUND


def test_nobody_at_the_address_is_a_connection_error(request_: Request) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(VendorError) as caught:
        Anthropic(api_key="a-key", model="stub-honest", base_url=url).complete(request_, 5.0)
    assert caught.value.kind is VendorErrorKind.CONNECTION


def test_a_redirection_takes_the_text_nowhere(stub: Stub, request_: Request) -> None:
    failed(stub, "elsewhere", request_)
    assert [request.path for request in stub.requests] == ["/v1/messages"]


def test_a_call_that_nobody_wants_any_more_ends_at_once(stub: Stub, request_: Request) -> None:
    unwanted = threading.Event()
    threading.Timer(0.3, unwanted.set).start()
    begun = time.monotonic()
    with pytest.raises(VendorError) as caught:
        vendor(stub, "hang").complete(request_, 60.0, cancelled=unwanted.is_set)
    assert caught.value.kind is VendorErrorKind.CANCELLED
    assert time.monotonic() - begun < 2.0


def test_an_honest_answer_comes_with_all_that_accounting_needs(stub: Stub, request_: Request) -> None:
    answer = vendor(stub, "honest").complete(request_, 20.0)
    assert answer.data["findings"][0]["quotes"]
    assert (answer.stop_reason, answer.model) == ("end_turn", "stub-honest")
    assert answer.usage.output == -(-answer.size // 4)
    assert answer.request_id.startswith("msg_")
    assert type(answer).from_json(answer.as_json()) == answer


@pytest.mark.parametrize("mode", ["cut-json", "not-json"])
def test_text_that_is_no_json_is_an_answer_without_data_and_billed(stub: Stub, request_: Request, mode: str) -> None:
    answer = vendor(stub, mode).complete(request_, 20.0)
    assert answer.data is None
    assert answer.usage.output > 0


def test_tokens_are_counted_before_the_call_as_they_are_billed_after_it(stub: Stub, request_: Request) -> None:
    asked = vendor(stub, "honest")
    assert asked.count_tokens(request_) == asked.complete(request_, 20.0).usage.prompt


def test_tasks_that_read_one_document_share_the_vendors_cache(stub: Stub) -> None:
    layer, asked = own(*PARAGRAPHS * 3), vendor(stub, "honest")
    first, *others = [
        asked.complete(requests(layer, {"task": task})[0], 20.0).usage for task in ("facts", "traits", "stance")
    ]
    assert first.cache_write > 1000
    assert all(usage.cache_read == first.cache_write and usage.cache_write == 0 for usage in others)
    other = asked.complete(requests(own("Another text of mine.", *PARAGRAPHS * 3), {"task": "facts"})[0], 20.0)
    assert other.usage.cache_read == 0


def test_effort_is_asked_for_where_it_is_set(stub: Stub, request_: Request) -> None:
    vendor(stub, "honest").complete(replace(request_, effort="low"), 20.0)
    vendor(stub, "honest").complete(request_, 20.0)
    assert [body["output_config"].get("effort") for body in stub.messages] == ["low", None]


def test_no_word_of_the_person_is_logged_or_in_an_error(
    stub: Stub, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        vendor(stub, "honest").complete(request_, 20.0)
        errors = [failed(stub, mode, request_) for mode in ("too-long", "refusal", "garbage")]
    said = caplog.text + "".join(f"{error} {error.details}" for error in errors)
    assert "bookbinder" not in said
    assert "a-key" not in said
