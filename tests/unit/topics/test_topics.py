"""Recurring topics: what stands out against the background, over the text, as a noun."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis import Context
from app.analyzers.text.topics import LEAST_G2, MOST_TOPICS, analyse
from app.errors import Refusal
from app.layers import Segment, Span, TextLayer, join
from app.vocabulary import ReasonCode, SegmentKind

PLAIN = (
    "I went out early and it had stopped. Nothing much was to be seen from there, so I came back again and sat "
    "down. Then I wanted to think about what should be done before the others came home."
)


def layer_of(paragraphs: list[str], language: str | None = "en") -> TextLayer:
    text, segments = join([(p, SegmentKind.PARAGRAPH, {}) for p in paragraphs])
    return TextLayer(text, language=language, segments=segments)


def topics(paragraphs: list[str], language: str = "en") -> dict[str, dict[str, Any]]:
    found = analyse(layer_of(paragraphs, language), Context()).features["topics"]
    return {topic["term"]: topic for topic in found}


def with_term(sentence: str, paragraphs: int = 10, filler: str = PLAIN) -> list[str]:
    return [f"{filler} {sentence}" for _ in range(paragraphs)]


def test_a_word_that_recurs_all_over_the_text_is_a_topic() -> None:
    topic = topics(with_term("I looked at the beehive for a while."))["beehive"]
    assert (topic["count"], topic["places"], topic["parts"]) == (10, 10, 10)
    assert topic["g2"] > LEAST_G2
    assert topic["dispersion"] == 0.0
    assert topic["personal"] == 10


def test_a_word_of_one_place_is_none() -> None:
    once = " ".join(["I looked at the beehive for a while."] * 10)
    assert "beehive" not in topics([*[PLAIN] * 9, once])


def test_common_nouns_and_names_of_persons_are_none() -> None:
    found = topics(with_term("I met Margaret and Mr. Osgood at the house that day, and Osgood spoke with Margaret."))
    assert {"margaret", "osgood", "house", "day"}.isdisjoint(found)


def test_places_and_things_with_a_name_are_kept_with_their_capital() -> None:
    found = topics(with_term("I spent that month in Dunfermline."))
    assert found["dunfermline"]["shown"] == "Dunfermline"


def test_verbs_adjectives_and_contractions_are_none() -> None:
    found = topics(with_term("I whittled and he's whittling, as they'll whittle a gnarled stick."))
    assert {"whittled", "whittle", "he's", "they'll", "gnarled"}.isdisjoint(found)


def test_plural_and_singular_are_one_topic_named_in_the_plural() -> None:
    half = with_term("I saw a lighthouse there.", 5) + with_term("I saw the lighthouses again.", 5)
    topic = topics(half)["lighthouse"]
    assert (topic["count"], topic["shown"]) == (10, "lighthouses")


def test_two_words_that_belong_together_are_one_term() -> None:
    found = topics(with_term("I walked along the tidal mill and drew it."))
    assert "tidal mill" in found
    assert "mill" not in found


def test_first_person_sentences_come_first_among_the_instances() -> None:
    paragraphs = with_term("The beehive stood there.", 6) + with_term("I opened the beehive.", 6)
    topic = topics(paragraphs)["beehive"]
    labels = [span.get("label", "") for span in topic["instances"]]
    assert topic["personal"] == topic["personalPlaces"] == 6
    assert labels[:6] == ["first person"] * 6


GERMAN = (
    "Heute ist es kalt, und ich bin früh aufgestanden, weil wir noch viel zu tun haben und nicht wissen, was kommt."
)
FRENCH = (
    "Il fait froid et je suis parti tôt ce matin, car nous avons encore beaucoup à faire et personne ne sait pourquoi."
)
SPANISH = "Hace frío y yo salí temprano, porque todavía tenemos mucho que hacer y nadie sabe lo que va a pasar después."
ITALIAN = "Fa freddo e io sono uscito presto, perché abbiamo ancora molto da fare e nessuno sa che cosa succede dopo."
DUTCH = "Het is koud en ik ben vroeg opgestaan, omdat wij nog veel moeten doen en niemand weet wat er komt."


@pytest.mark.parametrize(
    ("language", "filler", "sentence", "term"),
    [
        ("de", GERMAN, "Ich sah den Leuchtturm an.", "leuchtturm"),
        ("fr", FRENCH, "Je regarde l'aquarelle.", "aquarelle"),
        ("es", SPANISH, "Yo miraba el acantilado.", "acantilado"),
        ("it", ITALIAN, "Io guardavo il burattino.", "burattino"),
        ("nl", DUTCH, "Ik keek naar de vuurtoren.", "vuurtoren"),
    ],
)
def test_other_languages_have_topics_too(language: str, filler: str, sentence: str, term: str) -> None:
    found = topics(with_term(sentence, filler=filler), language)
    assert found[term]["personal"] == 10


@pytest.mark.parametrize("language", [None, "mixed", "ja"])
def test_a_language_that_is_not_known_is_refused(language: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        analyse(layer_of([PLAIN], language), Context())
    assert refused.value.reason.code is ReasonCode.UNSUPPORTED_TYPE


def test_quoted_words_do_not_count() -> None:
    found = topics(with_term("“The beehive and the beehive again,” she said to everybody."))
    assert "beehive" not in found


def test_features_hold_terms_and_places_only() -> None:
    features = analyse(layer_of(with_term("I looked at the beehive near the quarry wall.")), Context()).features
    assert "near the" not in json.dumps(features)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(
            st.sampled_from(["the beehive", "I", "in Oslo", ".", "“", "ÿ", "İ", "\n\n", "a mill"]), max_size=80
        ).map(" ".join),
    )
)
def test_any_text_is_read_and_every_instance_proves_itself(text: str) -> None:
    layer = TextLayer(
        text, language="en", segments=tuple(Segment(i, min(i + 40, len(text))) for i in range(0, len(text), 40))
    )
    try:
        features = analyse(layer, Context()).features
    except Refusal:
        return
    assert len(features["topics"]) <= MOST_TOPICS
    for topic in features["topics"]:
        assert all(layer.proves(Span.from_json(span)) for span in topic["instances"])
        assert 0 <= topic["dispersion"] <= 1
        assert topic["personal"] <= topic["count"]
