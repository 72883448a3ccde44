"""The lane from layer to features, through the real adapter and SDK to the stub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Blob, Context
from app.analyzers.llm import redact
from app.analyzers.llm.analyse import analyse, repair, requests
from app.analyzers.llm.findings import MOST_EVIDENCE
from app.analyzers.llm.port import Answer, Request, VendorError, VendorErrorKind
from app.analyzers.llm.prompts import TASKS, chosen
from app.analyzers.llm.rows import ROWS
from app.errors import Refusal
from app.layers import TextLayer
from app.perception.documents import read as read_document
from app.traits.rules import signals_of
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, FeatureStatus, Queue, ReasonCode
from tests.stub_anthropic import Stub
from tests.unit.llm.texts import PARAGRAPHS, letter, own, passages, read

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = ROOT.parent / "shared" / "samples" / "hostile"


def layer_of(path: Path, media_type: str = "text/plain") -> TextLayer:
    return read_document(Blob(path.read_bytes(), media_type), Context()).layers[0]


def signals(result_features: dict[str, Any], layer: TextLayer, task: str) -> list[Signal]:
    return [*signals_of(Measured(f"llm.{task}", uuid4(), result_features, layer, Authorship.SELF))]


def test_without_a_vendor_the_step_says_which_variable_turns_it_on() -> None:
    with pytest.raises(Refusal, match="ECHO_ANTHROPIC_API_KEY") as refused:
        analyse(letter(), Context(options={"task": "facts"}))
    assert refused.value.reason.code is ReasonCode.MODEL_MISSING


def test_of_too_little_text_nothing_is_asked() -> None:
    def ask(_: Request) -> Answer:
        pytest.fail("nothing may leave")

    with pytest.raises(Refusal) as refused:
        analyse(own("I love the sea."), Context(options={"task": "facts"}, ask=ask))
    assert refused.value.reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


def test_facts_come_back_as_terms_and_places(stub: Stub) -> None:
    layer = letter()
    result = read(stub, "honest", "facts", layer)
    found = {finding["kind"]: finding for finding in result.features["findings"]}
    assert found["occupation"]["object"] == "bookbinder"
    assert passages(layer, found["occupation"]) == [PARAGRAPHS[0]]
    assert found["like"]["places"] == 2
    assert (result.model, result.status) == ("stub-honest", FeatureStatus.SUCCESS)
    assert result.features["usage"]["output"] > 0


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_answered_and_its_features_hold_no_passage(stub: Stub, task: str) -> None:
    layer = letter()
    features = read(stub, "honest", task, layer).features
    assert features["findings"]
    stored = json.dumps(features, ensure_ascii=False)
    assert not any(layer.text[at : at + 25] in stored for at in range(0, len(layer.text) - 25, 5))
    assert json.loads(json.dumps(features)) == features


def test_what_several_windows_find_is_one_finding(stub: Stub) -> None:
    layer = own(*(f"I love reading on walk {number}, most of all when the rain falls on us." for number in range(12)))
    result = read(stub, "honest", "facts", layer, window=250)
    assert result.features["windows"] > 2
    (finding,) = result.features["findings"]
    assert finding["places"] > MOST_EVIDENCE == len(passages(layer, finding))
    assert [counts["window"] for counts in result.features["perWindow"]] == [*range(result.features["windows"])]


def test_the_same_answers_give_the_same_features(stub: Stub) -> None:
    layer = letter()
    assert (
        read(stub, "honest", "traits", layer).features["findings"]
        == (read(stub, "honest", "traits", layer).features["findings"])
    )


@pytest.mark.parametrize("mode", ["invented", "others"])
@pytest.mark.parametrize("task", [task for task in TASKS if task != "summary"])
def test_a_model_that_makes_things_up_gets_nothing_through(stub: Stub, mode: str, task: str) -> None:
    layer = own("# A heading of mine", *PARAGRAPHS)
    features = read(stub, mode, task, layer).features
    assert features["findings"] == []
    assert signals(features, layer, task) == []
    assert features["fabricated"] == features["quotes"]
    assert (features["fabricated"] == 3) is (mode == "invented")


def test_an_answer_in_the_wrong_shape_is_repaired_once(stub: Stub) -> None:
    features = read(stub, "repairable", "facts", letter()).features
    assert features["findings"]
    assert features["repaired"] == 1
    first, second = stub.messages
    assert first["messages"][0]["content"][0] == second["messages"][0]["content"][0]
    assert "findings.0.kind: missing" in second["messages"][0]["content"][1]["text"]
    assert second["messages"][0]["content"][1]["text"].startswith(first["messages"][0]["content"][1]["text"])


@pytest.mark.parametrize("mode", ["wrong-shape", "cut-json", "not-json", "garbage"])
def test_an_answer_that_cannot_be_repaired_fails_after_two_questions(stub: Stub, mode: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(stub, mode, "facts", letter())
    assert refused.value.reason.code is ReasonCode.INVALID_ANSWER
    assert len(stub.messages) == 2


def test_one_bad_window_makes_the_result_partial() -> None:
    layer = own(*PARAGRAPHS)

    def ask(request: Request) -> Answer:
        return Answer(data={"findings": []} if request.window else None, model="m")

    result = analyse(layer, Context(options={"task": "facts", "window": 300}, ask=ask))
    assert result.status is FeatureStatus.PARTIAL
    assert result.reason is not None
    assert result.reason.details == {"windows": 1}


def test_any_other_error_of_the_vendor_is_left_to_whoever_asked(stub: Stub) -> None:
    with pytest.raises(VendorError) as caught:
        read(stub, "429", "facts", letter())
    assert caught.value.kind is VendorErrorKind.RATE_LIMITED


@pytest.mark.parametrize("task", TASKS)
def test_the_version_of_a_row_is_that_of_its_prompt(task: str) -> None:
    (row,) = [row for row in ROWS if row.options["task"] == task]
    assert row.version == f"{TASKS[task].prompt}-{chosen(row.options).digest[:8]}-{redact.VERSION}"
    assert len(row.version) <= 32
    assert (row.queue, row.heavy, row.scope) == (Queue.LLM, True, "analyse:text:anthropic")
    assert row.load() is analyse


def test_the_key_of_a_question_changes_with_anything_that_is_asked() -> None:
    request = requests(letter(), {"task": "facts"})[0]
    longer = own(*PARAGRAPHS, "And so on.")
    others = [repair(request, "x"), requests(letter(), {"task": "stance"})[0], requests(longer, {"task": "facts"})[0]]
    assert len({request.key, *(other.key for other in others)}) == 4
    assert requests(letter(), {"task": "facts"})[0].key == request.key
