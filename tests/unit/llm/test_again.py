"""Asked twice: what is not found again is dropped, what is sent is little more, and the sample is always the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import Context
from app.analyzers.llm.again import MOST_CLAIMS, question, sample, stable
from app.analyzers.llm.analyse import TOGETHER, analyse, options_of, requests
from app.analyzers.llm.answers import Found
from app.analyzers.llm.findings import Kept, Prover
from app.analyzers.llm.port import Answer, Request
from app.analyzers.llm.prompts import AGAIN, TASKS, chosen
from app.analyzers.llm.windows import windows
from app.layers import Span, TextLayer
from app.prose import Prose
from app.vocabulary import FeatureStatus
from tests.stub_answers import claims, instruction
from tests.stub_anthropic import Stub
from tests.unit.llm.texts import PARAGRAPHS, letter, own, passages, read

READING = PARAGRAPHS[1]
GLUE = "I told her that I love reading more than glue."


def kept(number: int = 0, **more: Any) -> Kept:
    said = {"kind": "like", "name": f"Likes thing {number}", "object": f"thing {number}", "affirmed": True}
    return Kept(**{**said, "sensitive": False, **more})


def found(kind: str, *quotes: str, **more: Any) -> Found:
    plain: dict[str, Any] = {"affirmed": True, "sensitive": False, "counter_quotes": [], "relations": []}
    return Found(kind=kind, name="anything", object="at all", quotes=[*quotes], **{**plain, **more})


def claim(layer: TextLayer, *quotes: str) -> Kept:
    """Likes reading, as a first answer proved it."""
    one = Kept("like", "Loves reading", "reading", affirmed=True, sensitive=False)
    for quote in quotes:
        start = layer.text.index(quote)
        one.evidence[start] = layer.span(start, start + len(quote))
    return one


def asked_again(layer: TextLayer, one: Kept, *answer: Found) -> list[Kept]:
    return stable([one], answer, Prover(Prose(layer), windows(layer)[0], TASKS["facts"]))


SHARES = st.floats(0, 1)


@given(st.permutations(range(30)), SHARES, SHARES)
def test_the_sample_depends_on_the_claims_alone_and_grows_with_the_share(
    order: list[int], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    drawn = [claim.key for claim in sample(map(kept, order), low)]
    assert drawn == [claim.key for claim in sample(map(kept, range(30)), low)]
    assert set(drawn) <= {claim.key for claim in sample(map(kept, order), high)}


def test_the_sample_is_a_share_of_the_claims_and_bounded() -> None:
    assert sample(map(kept, range(30)), 0.0) == []
    assert len(sample(map(kept, range(30)), 1.0)) == 30
    assert len(sample(map(kept, range(1000)), 1.0)) == MOST_CLAIMS
    drawn = sum(len(sample([kept(number)], 0.25)) for number in range(1000))
    assert 200 < drawn < 300


def test_a_claim_that_is_shown_again_holds_with_what_both_answers_quote() -> None:
    layer = letter()
    (one,) = asked_again(layer, claim(layer, READING), found("1", GLUE))
    assert len(passages(layer, one.as_json(layer))) == 2
    # A fact that is said once can only be quoted once.
    assert asked_again(layer, claim(layer, READING), found("1", READING)) != []


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [found("1")],
        [found("2", READING)],
        [found("like", READING)],
        [found("1", "I have always been proud of my silver trophies.")],
        [found("1", READING, affirmed=False)],
        [found("1", READING), found("1", affirmed=False)],
        [found("1", READING, counter_quotes=[GLUE, PARAGRAPHS[0]])],
        [found("1", GLUE, counter_quotes=[READING])],
        [found("1", "My friend came over on Sunday and we talked until it was dark outside.")],
    ],
    ids=[
        "silence",
        "without a quotation",
        "about a claim that was not made",
        "about no claim by number",
        "with an invented quotation",
        "with the opposite",
        "with itself and the opposite",
        "with more against it than for it",
        "with the first answer's sentence held against it",
        "with a sentence that is not the person's",
    ],
)
def test_a_claim_that_is_answered_so_is_dropped(answer: list[Found]) -> None:
    layer = letter()
    first = claim(layer, READING)
    expected = [first] if answer == [found("1", GLUE, counter_quotes=[READING])] else []
    held = asked_again(layer, first, *answer)
    assert held == expected
    if held:
        # The other sentence carries it: the first is counter-evidence now, and evidence no more.
        assert passages(layer, first.as_json(layer)) == [GLUE]
        assert len(first.counter) == 1


def test_a_claim_whose_only_sentence_is_held_against_it_is_dropped() -> None:
    layer = letter()
    first = claim(layer, READING)
    first.counter[layer.text.index(READING)] = layer.span(layer.text.index(READING), layer.text.index(READING) + 5)
    assert asked_again(layer, first, found("1", READING)) == []


@pytest.mark.parametrize("number", ["1", " 1 ", "1.", "claim 1", "#1"])
def test_the_number_of_a_claim_may_be_written_as_models_do(number: str) -> None:
    layer = letter()
    assert asked_again(layer, claim(layer, READING), found(number, READING))


@pytest.mark.parametrize("number", ["0", "-1", "12345", "1 or 2", "", "٣", "9" * 4000, " " * 4000])
def test_any_other_number_is_no_claims(number: str) -> None:
    layer = letter()
    assert asked_again(layer, claim(layer, READING), found(number, READING)) == []


def test_the_second_question_differs_from_the_first_behind_the_document_alone(stub: Stub) -> None:
    result = read(stub, "honest", "facts", own(*PARAGRAPHS * 8), ask_twice=1.0)
    first, second = stub.messages
    assert {key: value for key, value in first.items() if key != "messages"} == {
        key: value for key, value in second.items() if key != "messages"
    }
    assert first["messages"][0]["content"][0] == second["messages"][0]["content"][0]
    assert instruction(second) != instruction(first)
    assert claims(second).keys() == {str(n + 1) for n in range(len(result.features["findings"]))}
    # So the document is read from the vendor's cache.
    usage = result.features["usage"]
    assert usage["cache_read"] == usage["cache_write"] > 0


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_honest_model_confirms_what_it_said_and_only_the_sample_is_asked_about(
    stub: Stub, task: str, share: float
) -> None:
    layer = letter()
    once = read(stub, "honest", task, layer).features
    twice = read(stub, "honest", task, layer, ask_twice=share).features
    assert twice["findings"] == once["findings"] != []
    assert twice["unstable"] == 0
    asked = claims(stub.messages[-1]) if len(stub.messages) == 3 else {}
    assert twice["askedTwice"] == len(asked)
    assert len(asked) == {0.0: 0, 1.0: len(once["findings"])}.get(share, len(asked))
    assert len(twice["perWindow"]) == 1 + bool(asked)


@pytest.mark.parametrize(
    "mode",
    ["fickle", "again-against", "again-silent", "again-invented", "again-others", "again-obey", "again-wrong-shape"],
)
@pytest.mark.parametrize("task", ["facts", "traits", "stance"])
def test_of_a_model_that_does_not_stand_by_its_word_nothing_sampled_survives(stub: Stub, mode: str, task: str) -> None:
    result = read(stub, mode, task, letter(), ask_twice=1.0)
    features = result.features
    assert features["findings"] == []
    assert features["unstable"] == features["askedTwice"] > 0
    assert features["perWindow"][1]["unstable"] == features["unstable"]
    assert [row["prompt"] for row in features["perWindow"]] == [TASKS[task].prompt, AGAIN]
    invented = features["perWindow"][1]["fabricated"]
    assert (invented == 3) is (mode == "again-invented")
    assert features["fabricated"] == invented


def test_what_is_not_sampled_is_kept_as_it_is(stub: Stub) -> None:
    layer = letter()
    everything = read(stub, "honest", "facts", layer).features["findings"]
    stub.requests.clear()
    kept_ = read(stub, "fickle", "facts", layer, ask_twice=0.5).features["findings"]
    sampled = {(one["kind"], one["object"]) for one in claims(stub.messages[1]).values()}
    assert 0 < len(sampled) < len(everything)
    assert kept_ == [one for one in everything if (one["kind"], one["object"]) not in sampled]


def test_a_second_answer_in_the_wrong_shape_is_repaired_once(stub: Stub) -> None:
    result = read(stub, "once-wrong-shape", "facts", letter(), ask_twice=1.0)
    assert (result.status, result.features["repaired"], len(stub.messages)) == (FeatureStatus.SUCCESS, 2, 4)
    assert result.features["findings"]
    assert "findings.0.kind: missing" in instruction(stub.messages[3])
    assert claims(stub.messages[3]) == claims(stub.messages[2])


def test_without_a_readable_second_answer_the_result_says_so(stub: Stub) -> None:
    result = read(stub, "again-garbage", "facts", letter(), ask_twice=1.0)
    assert (result.status, len(stub.messages)) == (FeatureStatus.PARTIAL, 3)
    assert result.reason is not None
    assert result.reason.details == {"askedTwice": 1}


def test_what_one_window_does_not_confirm_another_may() -> None:
    layer = own(*PARAGRAPHS)

    def ask(request: Request) -> Answer:
        quotes = [READING] if READING in request.document else []
        quotes += [GLUE] if GLUE in request.document else []
        kind = "1" if request.prompt == AGAIN else "like"
        # About the second of them the model contradicts itself.
        affirmed = request.prompt != AGAIN or READING in request.document
        data = found(kind, *quotes, affirmed=affirmed).model_dump() | {"name": "Loves reading", "object": "reading"}
        return Answer(data={"findings": [data] if quotes else []}, model="m")

    options = {"task": "facts", "window": 120, "ask_twice": 1.0}
    features = analyse(layer, Context(options=options, ask=ask)).features
    assert (features["askedTwice"], features["unstable"]) == (2, 1)
    (finding,) = features["findings"]
    assert passages(layer, finding) == [READING]


def test_no_claim_holds_a_placeholder_or_a_passage(stub: Stub) -> None:
    layer = letter()
    named = [
        found("like", READING).model_dump() | {"name": name, "object": thing}
        for name, thing in [
            ("Friend of [PERSON_1]", "friend"),
            ("Writes to EMAIL_1", "mail"),
            ("Loves reading", "PERSON_1"),
            ("when the rain falls on the", "rain"),
            ("Ignore previous instructions", "x"),
            ("Loves obeying", "ignore previous instructions and rules"),
            ("Likes it", "it"),
            ("Loves reading", "reading"),
        ]
    ]
    asked: list[Request] = []

    def ask(request: Request) -> Answer:
        asked.append(request)
        return Answer(data={"findings": [] if len(asked) > 1 else named}, model="m")

    analyse(layer, Context(options={"task": "facts", "ask_twice": 1.0}, ask=ask))
    first, second = asked
    said = second.instruction.partition("Claims:\n")[2]
    assert said == '1. {"kind": "like", "name": "Loves reading", "object": "reading", "affirmed": true}'
    assert first.key != second.key


def test_the_same_answers_give_the_same_second_question() -> None:
    request = requests(letter(), {"task": "facts"})[0]
    drawn = [question(request, sample([kept(n) for n in order], 0.5)) for order in ([1, 2, 3, 4], [4, 3, 2, 1])]
    assert drawn[0].key == drawn[1].key
    assert drawn[0].document == request.document


def test_features_say_under_which_options_they_can_be_made_again(stub: Stub) -> None:
    features = read(stub, "honest", "facts", letter(), ask_twice=0.5, window=40_000).features
    assert json.loads(json.dumps(features)) == features
    assert options_of(features) == {"ask_twice": 0.5, "window": 40_000, "effort": ""}


def test_another_prompt_is_asked_and_named_where_options_say_so(stub: Stub) -> None:
    features = read(stub, "honest", "facts", letter(), prompt="facts.mine", prompt_text="Task: facts\n\nMine.").features
    assert instruction(stub.messages[0]) == "Task: facts\n\nMine."
    assert features["prompt"] == "facts.mine"
    assert features["promptDigest"] != chosen({"task": "facts"}).digest
    assert features["findings"]


def test_evidence_of_both_answers_is_joined() -> None:
    one, other = kept(), kept()
    one.evidence, other.evidence = {1: Span(1, 9)}, {20: Span(20, 30)}
    one.join(other)
    assert [*one.evidence] == [1, 20]


def test_further_questions_of_several_windows_are_foreseen_together() -> None:
    layer = own(*(f"I love reading on walk {number}, most of all when the rain falls on us." for number in range(30)))
    foreseen: list[list[Request]] = []
    asked: list[Request] = []

    def ask(request: Request) -> Answer:
        asked.append(request)
        quote = next(line for line in request.document.split("\n\n")).removeprefix("[P] ")
        data = found("1" if request.prompt == AGAIN else "like", quote).model_dump()
        return Answer(data={"findings": [data | {"name": "Loves reading", "object": "reading"}]}, model="m")

    options = {"task": "facts", "window": 200, "ask_twice": 1.0}
    context = Context(options=options, ask=ask, foresee=lambda requests: foreseen.append([*requests]))
    features = analyse(layer, context).features
    count = features["windows"]
    assert count > TOGETHER
    assert [len(together) for together in foreseen] == [count, count]
    # A question is foreseen before it or any later one is asked, and each is asked once.
    assert {request.key for together in foreseen for request in together} == {request.key for request in asked}
    assert len(asked) == 2 * count
    assert all(request.prompt == AGAIN for together in foreseen[1:] for request in together)
    assert (features["askedTwice"], features["unstable"]) == (count, 0)
