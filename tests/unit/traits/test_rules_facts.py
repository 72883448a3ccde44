from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import Context
from app.analyzers.text.facts import analyse
from app.layers import Segment, Span, TextLayer, join
from app.traits.facts_names import article, fact_name
from app.traits.rules_facts import MAX_EVIDENCE, MAX_QUOTE, MOST_CERTAIN, clipped, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, SegmentKind, TraitCategory

#: Keeps the rate of "I" of a short text where a person's own prose has it.
FILLER = "I went out and I came home again after the rain had stopped."


def layer_of(*paragraphs: str, date: str | None = None) -> TextLayer:
    text, segments = join([(p, SegmentKind.PARAGRAPH, {"date": date} if date else {}) for p in paragraphs])
    return TextLayer(text, language="en", segments=segments)


def found(*paragraphs: str, authorship: Authorship = Authorship.SELF, date: str | None = None) -> list[Signal]:
    layer = layer_of(*paragraphs, date=date)
    features = analyse(layer, Context(authorship=authorship)).features
    return [*signals(Measured("text.facts", uuid4(), features, layer, authorship))]


def named(*paragraphs: str) -> list[str]:
    return [signal.name for signal in found(*paragraphs)]


@pytest.mark.parametrize(
    ("said", "name", "category"),
    [
        ("I work as an organ builder.", "Works as an organ builder", TraitCategory.OTHER),
        ("I've worked as a software developer at Orchard.", "Has worked as a software developer", TraitCategory.OTHER),
        ("I was a clerk in the post office.", "Was a clerk", TraitCategory.OTHER),
        ("I run a bakery.", "Runs a bakery", TraitCategory.OTHER),
        ("I'm fond of reading.", "Fond of reading", TraitCategory.INTEREST),
        ("I don't like crowds.", "Does not like crowds", TraitCategory.INTEREST),
        ("I can't stand small talk.", "Cannot stand small talk", TraitCategory.INTEREST),
        ("As a child I was fond of beetles.", "Was fond of beetles", TraitCategory.INTEREST),
        ("I'm not a fan of opera.", "Not a fan of opera", TraitCategory.INTEREST),
        ("My favourite author is Clarice Lispector.", "Favourite author: Clarice Lispector", TraitCategory.INTEREST),
        ("I play the cello.", "Plays the cello", TraitCategory.SKILL),
        ("I don't play golf.", "Does not play golf", TraitCategory.SKILL),
        ("I taught myself to knit.", "Taught themselves to knit", TraitCategory.SKILL),
        ("I can't cook.", "Cannot cook", TraitCategory.SKILL),
        ("I live in Bath.", "Lives in Bath", TraitCategory.OTHER),
        ("I grew up on a farm.", "Grew up on a farm", TraitCategory.OTHER),
        ("I am studying Greek.", "Studies Greek", TraitCategory.KNOWLEDGE_DOMAIN),
        ("I have always valued independence.", "Values independence", TraitCategory.PHILOSOPHICAL_STANCE),
        ("I believe in second chances.", "Believes in second chances", TraitCategory.PHILOSOPHICAL_STANCE),
        ("I became a thorough Deist.", "Became a thorough Deist", TraitCategory.PHILOSOPHICAL_STANCE),
        ("It has long been my ambition to go to Uppsala.", "Wants to go to Uppsala", TraitCategory.OTHER),
        ("I wanted to be an Arctic Explorer.", "Wanted to be an Arctic Explorer", TraitCategory.OTHER),
        ("Every morning I walk to work.", "Walks to work every morning", TraitCategory.BEHAVIORAL_PATTERN),
        ("I never read horoscopes.", "Never reads horoscopes", TraitCategory.BEHAVIORAL_PATTERN),
        ("I tend to overthink.", "Tends to overthink", TraitCategory.BEHAVIORAL_PATTERN),
        ("I'm not patient.", "Is not patient", TraitCategory.BEHAVIORAL_PATTERN),
        ("I'm afraid of heights.", "Afraid of heights", TraitCategory.EMOTIONAL_RESPONSE_PATTERN),
        ("I have no children.", "Has no children", TraitCategory.OTHER),
        ("I have two daughters.", "Has two daughters", TraitCategory.OTHER),
        ("I have a dog.", "Has a dog", TraitCategory.INTEREST),
        ("I don't eat meat.", "Does not eat meat", TraitCategory.BEHAVIORAL_PATTERN),
        ("I don't drink.", "Does not drink alcohol", TraitCategory.BEHAVIORAL_PATTERN),
    ],
)
def test_a_fact_is_named_as_the_person_would(said: str, name: str, category: TraitCategory) -> None:
    (signal,) = [s for s in found(said) if s.key.split(":")[1] != "employer"]
    assert (signal.name, signal.category, signal.claim_kind) == (name, category, ClaimKind.STATED)


def test_several_ways_of_saying_it_are_one_signal_and_more_certain() -> None:
    (once,) = found("I love reading.")
    (thrice,) = found("I love reading.", "I have always been fond of books.", "I like to read.")
    assert once.key == thrice.key == "fact:like:read"
    assert thrice.occurrences == 3
    assert MOST_CERTAIN >= thrice.certainty > once.certainty
    assert len(thrice.evidence) == 3


def test_two_sentences_of_one_paragraph_are_one_place() -> None:
    (signal,) = found("I love reading. I really love reading.")
    assert signal.occurrences == 1


def test_what_speaks_against_it_is_kept_beside_it() -> None:
    (signal,) = found("I love opera.", "I have always loved opera.", "I don't like opera.")
    assert signal.name == "Loves opera"
    assert len(signal.counter) == 1
    assert signal.certainty < found("I love opera.", "I have always loved opera.")[0].certainty


def test_a_hedged_statement_and_a_joke_are_not_proposed() -> None:
    assert named("I kind of love opera lol.") == []


def test_kin_in_passing_need_a_second_mention() -> None:
    assert named("My sister came along.") == []
    assert named("My sister came along.", "The tent belongs to my sister.") == ["Has a sister"]


def test_affection_and_owning_up_need_three_places() -> None:
    letters = ("I love you, dear Ann.", "Give my love to Tom.", "I love you very much.")
    assert named(*letters[:2]) == []
    assert named(*letters) == ["Openly affectionate with loved ones"]


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_nothing_about_somebody_elses_text(authorship: Authorship) -> None:
    layer = layer_of("I work as a nurse.")
    features = analyse(layer, Context()).features
    assert [*signals(Measured("text.facts", uuid4(), features, layer, authorship))] == []


@pytest.mark.parametrize(
    "paragraphs",
    [
        (
            "The printing press changed towns. Presses need paper, ink and type. I live in Bath."
            + " Presses are heavy." * 40,
        ),
        (
            "HAMLET: I live in Elsinore.",
            "OPHELIA: I live in Elsinore too.",
            "HAMLET: I love tennis.",
            "OPHELIA: No.",
            "HAMLET: I am a prince.",
        ),
        ("Are you free? Do you see it? Will you go? I live in Bath. Who made you? Do you know yourself?",),
        ("Thou shalt rise. Thy house is thine, and thou hast a field. I live in Bath, and thou with me.",),
        ("“I am old,” she said. “My house is gone, and my garden too, and I am tired of it all.” I live in Bath.",),
    ],
    ids=["essay", "play", "teaching", "scripture", "story"],
)
def test_an_i_of_unknown_authorship_is_believed_in_own_prose_only(paragraphs: tuple[str, ...]) -> None:
    assert found(*paragraphs, authorship=Authorship.UNKNOWN) == []
    assert found(*paragraphs, authorship=Authorship.SELF) != []
    assert found(FILLER, "I live in Bath.", authorship=Authorship.UNKNOWN) != []


def test_the_description_says_how_often_and_when() -> None:
    (signal,) = found("I love reading.", "I am fond of reading.", date="1899-10-20")
    assert signal.description == "“Loves reading”: said twice in 2 places, dated 1899-10-20, in 8 own words."


def test_sensitive_facts_are_marked_and_must_be_plain() -> None:
    (signal,) = found("I have asthma.")
    assert signal.notes["sensitive"] == 1.0
    assert named("I think I have asthma.") == []


def test_rare_things_tell_more_than_common_ones() -> None:
    common, rare = found("I love music.", "I love ichthyology.")
    assert sorted([common.name, rare.name]) == ["Loves ichthyology", "Loves music"]
    assert {s.name: s.specificity for s in (common, rare)}["Loves ichthyology"] > 0.8 * 1.2 * min(
        s.specificity for s in (common, rare)
    )


def test_one_text_gives_the_best_few_of_a_kind() -> None:
    hobbies = ["jazz", "tango", "chess", "origami", "falconry", "beekeeping", "astronomy", "calligraphy", "fencing"]
    assert len(named(*(f"I love {hobby}." for hobby in hobbies))) == 6


def test_evidence_is_spread_and_no_more_than_five() -> None:
    (signal,) = found(*(f"In {year} I still loved reading, and I always love reading." for year in range(1990, 2000)))
    assert len(signal.evidence) == MAX_EVIDENCE
    assert len({span.start for span in signal.evidence}) == MAX_EVIDENCE


@given(
    st.lists(st.sampled_from(["one two", "; ", ", ", "—", "word", " ", "(", "ÿ"]), max_size=200).map("".join),
    st.lists(st.sampled_from(["and so on", "; ", ", ", "—", "word", " ", ")"]), max_size=200).map("".join),
)
def test_a_long_sentence_is_cut_to_a_literal_range_around_its_object(before: str, after: str) -> None:
    text = f"{before}I love chess{after}"
    layer = TextLayer(text, language="en", segments=(Segment(0, len(text)),))
    at = text.index("chess", len(before))
    cut = clipped(layer, layer.span(0, len(text)), layer.span(at, at + 5))
    assert layer.proves(cut)
    assert cut.start <= at
    assert at + 5 <= cut.end
    assert cut.end - cut.start <= MAX_QUOTE


KINDS = [
    "occupation",
    "employer",
    "studies",
    "residence",
    "origin",
    "family",
    "pet",
    "like",
    "habit",
    "skill",
    "belief",
]
KINDS += ["value", "goal", "self", "identity", "fear", "health", "diet", "possession"]


@given(
    st.sampled_from(KINDS),
    st.sampled_from(
        [
            "works as",
            "is",
            "love",
            "fond of",
            "has",
            "wants to",
            "wants to be",
            "always",
            "plays",
            "can",
            "cannot stand",
            "is a",
            "became",
        ]
    ),
    st.lists(st.sampled_from(["old", "Welsh", "hour", "university", "SQL", "map"]), min_size=1, max_size=5).map(
        " ".join
    ),
    st.sampled_from(["present", "past", "perfect"]),
    st.booleans(),
)
def test_no_name_has_more_than_six_words(kind: str, predicate: str, slot: str, tense: str, affirmed: bool) -> None:
    name = fact_name(kind, predicate, slot, tense, affirmed=affirmed)
    assert name is None or (len(name.split()) <= 6 and name[0].isupper() and "None" not in name)


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("editor", "an"),
        ("user", "a"),
        ("university", "a"),
        ("hour", "an"),
        ("SRE", "an"),
        ("UX designer", "a"),
        ("one-man band", "a"),
        ("baker", "a"),
    ],
)
def test_the_article_goes_by_sound(noun: str, expected: str) -> None:
    assert article(noun) == expected


def test_without_a_layer_there_is_no_proof_and_no_signal() -> None:
    features: dict[str, Any] = {"facts": [], "voice": {"genre": "first_person"}, "ownWords": 500}
    assert [*signals(Measured("text.facts", uuid4(), features, None))] == []


def test_every_piece_of_evidence_proves_itself() -> None:
    text = (
        "I love reading, which began when the library van still came to our village on Tuesdays"
        + ", and so on" * 60
        + "."
    )
    layer = layer_of(text, "I am fond of books.")
    features = analyse(layer, Context()).features
    for signal in signals(Measured("text.facts", uuid4(), features, layer, Authorship.SELF)):
        assert all(layer.proves(span) and span.end - span.start <= MAX_QUOTE for span in signal.evidence)
        assert all(isinstance(span, Span) for span in signal.evidence)
