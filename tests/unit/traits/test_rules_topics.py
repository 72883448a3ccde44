from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Context
from app.analyzers.text.topics import analyse
from app.layers import TextLayer, join
from app.traits.rules_topics import LEAST_WORDS, MOST_OF_SHORT, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, SegmentKind, TraitCategory

PLAIN = (
    "I went out early and it had stopped. Nothing much was to be seen from there, so I came back again and sat "
    "down. Then I wanted to think about what should be done before the others came home."
)
IMPERSONAL = (
    "It was early and it had stopped. Nothing much was to be seen from there, so they came back again and sat down. "
    "Then they wanted to think about what should be done before the others came home."
)


def found(
    sentence: str,
    filler: str = PLAIN,
    paragraphs: int = 14,
    authorship: Authorship = Authorship.UNKNOWN,
    siblings: dict[str, dict[str, Any]] | None = None,
) -> list[Signal]:
    text, segments = join([(f"{filler} {sentence}", SegmentKind.PARAGRAPH, {}) for _ in range(paragraphs)])
    layer = TextLayer(text, language="en", segments=segments)
    features = analyse(layer, Context()).features
    measured = Measured("text.topics", uuid4(), features, layer, authorship, siblings or {})
    result = [*signals(measured)]
    assert all(layer.proves(span) for signal in result for span in signal.evidence)
    return result


def test_a_topic_the_person_relates_to_is_an_observed_interest() -> None:
    (signal,) = found("I looked at the beehive for a while.")
    assert signal.name == "Often writes about the beehive"
    assert (signal.key, signal.claim_kind, signal.category) == (
        "topic:beehive",
        ClaimKind.OBSERVED,
        TraitCategory.INTEREST,
    )
    assert 0.6 < signal.certainty < 0.8
    assert "in 14 places over 10 tenths of the text" in signal.description


def test_a_topic_without_the_person_is_a_domain_with_little_certainty() -> None:
    (signal,) = found("Near them stood the beehive, for a while.", IMPERSONAL)
    assert signal.name == "Writes about the beehive"
    assert (signal.category, signal.certainty) == (TraitCategory.KNOWLEDGE_DOMAIN, 0.5)


def test_a_frequent_word_the_person_never_relates_to_is_not_proposed() -> None:
    assert found("Near them stood the beehive, for a while.") == []


def test_what_the_person_dislikes_is_no_interest() -> None:
    disliked = {"text.facts": {"facts": [{"kind": "like", "polarity": "negated", "lemma": "beehive"}]}}
    (signal,) = found("I looked at the beehive for a while.", siblings=disliked)
    assert signal.category is TraitCategory.KNOWLEDGE_DOMAIN


def test_a_stated_liking_leads_and_the_counted_topic_is_left_out() -> None:
    liked = {"text.facts": {"facts": [{"kind": "like", "polarity": "affirmed", "lemma": "beehive"}]}}
    assert found("I looked at the beehive for a while.", siblings=liked) == []


def test_a_named_place_is_what_the_person_knows_of() -> None:
    (signal,) = found("I spent that month in Dunfermline.")
    assert (signal.name, signal.category) == ("Often writes about Dunfermline", TraitCategory.KNOWLEDGE_DOMAIN)


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_nothing_about_somebody_elses_text(authorship: Authorship) -> None:
    assert found("I looked at the beehive for a while.", authorship=authorship) == []


def test_teaching_full_of_questions_yields_nothing_unless_it_is_the_persons() -> None:
    asking = "Do you see it? Will you go? Who told you? What is it to you? Where are you, and why do you ask?"
    assert found("I looked at the beehive.", f"{PLAIN} {asking}") == []
    assert found("I looked at the beehive.", f"{PLAIN} {asking}", authorship=Authorship.SELF) != []


def test_a_short_text_has_no_topics() -> None:
    assert LEAST_WORDS == 350
    assert found("I looked at the beehive for a while.", paragraphs=5) == []


def test_few_places_with_the_person_are_not_often() -> None:
    text = [f"{PLAIN} I looked at the beehive for a while."] * 5 + [f"{PLAIN} Near them stood the beehive."] * 9
    joined, segments = join([(p, SegmentKind.PARAGRAPH, {}) for p in text])
    layer = TextLayer(joined, language="en", segments=segments)
    features = analyse(layer, Context()).features
    (signal,) = signals(Measured("text.topics", uuid4(), features, layer))
    assert signal.name == "Writes about the beehive"


def test_a_short_text_has_at_most_three_and_no_two_share_a_word() -> None:
    many = "I kept the beehive, the trowel, the sundial, the teapot, the easel, the kettle and the anvil."
    result = found(many)
    assert len(result) == MOST_OF_SHORT
    words = [word for signal in result for word in signal.key.removeprefix("topic:").split()]
    assert len(words) == len(set(words))
    assert all(len(signal.name.split()) <= 6 for signal in result)
