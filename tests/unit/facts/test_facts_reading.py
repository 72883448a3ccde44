"""How facts are read: tense, polarity, strength, dates, quotations, lists, other languages; any text at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis import Context
from app.analyzers.text.facts import analyse
from app.analyzers.text.facts_inflect import base_of, gerund, past, plural, singular, third
from app.errors import Refusal
from app.layers import Segment, Span, TextLayer, join
from app.vocabulary import Authorship, ReasonCode, SegmentKind


def layer_of(text: str, kind: SegmentKind = SegmentKind.PARAGRAPH, **further: Any) -> TextLayer:
    return TextLayer(text, language="en", segments=(Segment(0, len(text), kind, **further),))


def facts(text: str, kind: SegmentKind = SegmentKind.PARAGRAPH, **further: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = analyse(layer_of(text, kind, **further), Context()).features["facts"]
    return found


def test_tense_tells_now_from_then() -> None:
    tenses = [
        facts(said)[0]["tense"]
        for said in ("I live in Bath.", "I lived in Bath.", "I have worked as a baker.", "I used to play rugby.")
    ]
    assert tenses == ["present", "past", "perfect", "past"]


def test_a_past_liking_needs_more_than_one_occasion() -> None:
    assert facts("I loved opera.") == []
    assert facts("As a child I loved opera.")[0]["slot"] == "opera"
    assert facts("I always loved opera.")[0]["slot"] == "opera"


@pytest.mark.parametrize(
    "said", ["I don't like crowds.", "I hate crowds.", "I can't stand crowds.", "I never liked crowds."]
)
def test_denial_and_dislike_are_the_same_side(said: str) -> None:
    (fact,) = facts(said)
    assert (fact["lemma"], fact["polarity"]) == ("crowd", "negated")


def test_no_longer_denies() -> None:
    assert facts("I no longer live in Bath.") == []
    assert facts("I no longer play chess.")[0]["polarity"] == "negated"


def test_plainness_orders_statements() -> None:
    def strength(said: str) -> float:
        return float(facts(said)[0]["strength"])

    assert strength("I have always loved chess.") > strength("I love chess.") > strength("I think I love chess.")
    assert strength("I love chess.") > strength("I kind of love chess.") > strength("I kind of love chess lol")


def test_synonyms_and_inflections_count_as_one() -> None:
    lemmas = {
        facts(said)[0]["lemma"]
        for said in ("I love reading.", "I like to read.", "I'm fond of books.", "I enjoy novels.")
    }
    assert lemmas == {"read"}


def test_a_list_is_several_facts() -> None:
    assert [f["slot"] for f in facts("I love reading, hiking and chess.")] == ["reading", "hiking", "chess"]
    assert [f["slot"] for f in facts("I speak Welsh, French and Dutch.")] == ["welsh", "french", "dutch"]


def test_a_second_verb_has_the_same_subject() -> None:
    assert [f["kind"] for f in facts("I live in Bath and work as a nurse.")] == ["residence", "occupation"]


def test_a_quotation_is_somebody_elses() -> None:
    text = "He leaned over. “I am a nurse and I love opera,” he said. I live in Bath."
    assert [f["kind"] for f in facts(text)] == ["residence"]


def test_a_mark_that_opens_before_the_subject_is_a_quotation_too() -> None:
    assert facts("He would say: 'I am a citizen of no country'.") == []


def test_the_date_of_the_segment_goes_with_the_fact() -> None:
    assert facts("I live in Bath.", date="1899-10-20")[0]["date"] == "1899-10-20"


def test_sensitive_facts_are_marked() -> None:
    assert [facts(said)[0]["sensitive"] for said in ("I have asthma.", "I'm an atheist.", "I play the cello.")] == [
        True,
        True,
        False,
    ]


def test_capitals_are_kept_for_showing() -> None:
    assert facts("I work at the University of Leeds.")[0]["shown"] == "the University of Leeds"
    assert facts("i speak french", SegmentKind.MESSAGE)[0]["shown"] == "French"
    assert facts("I AM A DREAMER AND I LOVE CHESS.")[0]["shown"] == "dreamer"


def test_a_sentence_said_twice_word_for_word_is_one_fact() -> None:
    text, segments = join([("I love chess.", SegmentKind.PARAGRAPH, {}), ("I love chess.", SegmentKind.PARAGRAPH, {})])
    assert len(analyse(TextLayer(text, language="en", segments=segments), Context()).features["facts"]) == 1


def test_items_under_an_announcement_are_liked() -> None:
    pieces = [
        ("My hobbies:", SegmentKind.HEADING, {}),
        ("• Origami", SegmentKind.LIST_ITEM, {}),
        ("Bird watching", SegmentKind.LIST_ITEM, {}),
        ("Other notes:", SegmentKind.PARAGRAPH, {}),
        ("Invoices", SegmentKind.LIST_ITEM, {}),
    ]
    text, segments = join(pieces)
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features["facts"]
    assert [fact["slot"] for fact in found] == ["origami", "bird watching"]


@pytest.mark.parametrize(
    "kind",
    [
        SegmentKind.VERSE,
        SegmentKind.QUOTATION,
        SegmentKind.HEADING,
        SegmentKind.TABLE,
        SegmentKind.CODE,
        SegmentKind.BOILERPLATE,
    ],
)
def test_what_is_not_the_persons_prose_is_not_read(kind: SegmentKind) -> None:
    text, segments = join([("I live in Bath.", SegmentKind.PARAGRAPH, {}), ("I am a nurse.", kind, {})])
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features["facts"]
    assert [fact["kind"] for fact in found] == ["residence"]


def test_another_authors_messages_are_not_read() -> None:
    text, segments = join(
        [
            ("I live in Bath.", SegmentKind.MESSAGE, {"author": "self"}),
            ("I am a nurse.", SegmentKind.MESSAGE, {"author": "Kim"}),
        ]
    )
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features["facts"]
    assert [fact["kind"] for fact in found] == ["residence"]


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_nothing_is_kept_of_an_i_that_is_not_the_person(authorship: Authorship) -> None:
    assert analyse(layer_of("I am a nurse."), Context(authorship=authorship)).features["facts"] == []


def test_other_languages_are_refused_and_not_guessed() -> None:
    layer = TextLayer("Ich bin Bäcker.", language="de", segments=(Segment(0, 15),))
    with pytest.raises(Refusal) as refused:
        analyse(layer, Context())
    assert refused.value.reason.code is ReasonCode.UNSUPPORTED_TYPE


def test_a_text_without_own_words_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        analyse(layer_of("I am a nurse.", SegmentKind.QUOTATION), Context())
    assert refused.value.reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


def test_features_hold_terms_and_places_but_no_sentence() -> None:
    text = "I have always loved collecting beetles near the old quarry behind our house, whatever the weather."
    features = analyse(layer_of(text), Context()).features
    assert "quarry" not in json.dumps(features)
    assert all(len(fact["slot"].split()) <= 5 for fact in features["facts"])


PIECES = st.sampled_from(
    [
        "I",
        "i",
        "I'm",
        "My",
        "my",
        "me",
        "am",
        "was",
        "love",
        "hate",
        "not",
        "never",
        "to",
        "a",
        "the",
        "of",
        "and",
        ",",
        "“",
        "”",
        "'",
        "?",
        ".",
        "wife",
        "dog",
        "nurse",
        "reading",
        "my favourite",
        "is",
        "every",
        "morning",
        "who",
        "someone",
        "that",
        "if",
        "—",
        "\n",
        "ÿ",
        "İ",
        "😀",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map(" ".join)))
def test_any_text_is_read_and_every_span_proves_itself(text: str) -> None:
    layer = layer_of(text)
    try:
        features = analyse(layer, Context()).features
    except Refusal:
        return
    json.dumps(features)
    for fact in features["facts"]:
        assert layer.proves(Span.from_json(fact["sentence"]))
        assert layer.proves(Span.from_json(fact["object"]))
        assert not any(char.isascii() and char.isupper() for char in fact["slot"])
        assert 1 <= len(fact["slot"].split()) <= 5
        assert 0 < fact["strength"] <= 1


@pytest.mark.parametrize(
    ("base", "ing", "before", "now"),
    [
        ("write", "writing", "writed", "writes"),
        ("swim", "swimming", "swimmed", "swims"),
        ("carry", "carrying", "carried", "carries"),
        ("lie", "lying", "lied", "lies"),
        ("see", "seeing", "seed", "sees"),
        ("watch", "watching", "watched", "watches"),
    ],
)
def test_regular_inflection(base: str, ing: str, before: str, now: str) -> None:
    assert (gerund(base), past(base), third(base), base_of(ing)) == (ing, before, now, base)


@pytest.mark.parametrize(
    ("one", "many"), [("lady", "ladies"), ("box", "boxes"), ("book", "books"), ("workman", "workmen")]
)
def test_plurals_and_back(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


@pytest.mark.parametrize("word", ["physics", "chess", "bus", "news", "class"])
def test_what_only_looks_like_a_plural_stays(word: str) -> None:
    assert singular(word) == word
