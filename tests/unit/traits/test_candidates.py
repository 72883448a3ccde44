"""From signals to candidates: proven, few, varied, ranked; and the same from whatever order of packages."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.layers import Segment, Span, TextLayer
from app.traits.candidates import (
    LONGEST_NAME,
    MOST,
    MOST_OF_FAMILY,
    MOST_STATED,
    Contribution,
    draft,
    rank,
)
from app.traits.combining import MOST_COMBINED, combine, recount
from app.traits.confidence import TrackRecord, assess
from app.traits.signals import Signal, Study
from app.vocabulary import Authorship, ClaimKind, SegmentKind, TraitCategory

SENTENCES = [f"This is sentence number {n} of my own." for n in range(200)]
STUDY = Study("10.1016/j.jrp.2010.04.001", 0.16, 694, "bloggers")


def layer() -> TextLayer:
    text = " ".join(SENTENCES)
    return TextLayer(text, segments=(Segment(0, len(text)),))


LAYER = layer()


def at(number: int) -> Span:
    """The span of a sentence."""
    start = LAYER.text.index(SENTENCES[number])
    return LAYER.span(start, start + len(SENTENCES[number]))


def signal(key: str = "habit:questions:high", evidence: tuple[Span, ...] | None = None, **changed: object) -> Signal:
    values: dict[str, Any] = {
        "key": key,
        "name": f"Does {key}",
        "description": "23 in 100 sentences.",
        "category": TraitCategory.COMMUNICATION_STYLE,
        "claim_kind": ClaimKind.OBSERVED,
        "analyzer": "text.style",
        "feature_set_id": UUID(int=1),
        "evidence": evidence if evidence is not None else (at(0), at(50), at(100)),
        "certainty": 0.9,
        "distance": 2.0,
        "specificity": 0.6,
        "occurrences": 12,
        "own_words": 2000,
    }
    return Signal(**{**values, **changed})


def only(*signals: Signal, authorship: Authorship = Authorship.UNKNOWN) -> list[str]:
    return [one.contribution.key for one in draft(signals, LAYER, authorship).drafts]


def test_a_proven_signal_becomes_a_draft_with_its_figures() -> None:
    drafted = draft([signal()], LAYER)
    (one,) = drafted.drafts
    assert one.identity == "habit:question:high"
    assert one.contribution.certainty == 0.9
    assert one.contribution.sources == {"text.style": str(UUID(int=1))}
    assert [proof.span for proof in one.evidence] == [at(0), at(50), at(100)]
    assert drafted.unproven == {}


def test_invented_evidence_is_dropped_and_counted_and_the_rest_stays() -> None:
    invented = Span(3, 30, "0" * 64)
    drafted = draft(
        [signal(evidence=(invented, at(7)), counter=(invented,)), signal("habit:lies:high", (invented,))], LAYER
    )
    assert [[proof.span for proof in one.evidence] for one in drafted.drafts] == [[at(7)]]
    assert drafted.drafts[0].contribution.counter == 0
    assert drafted.unproven == {"text.style": 3}


def test_without_evidence_there_is_no_candidate() -> None:
    assert only(signal(evidence=())) == []


def test_words_of_others_are_no_evidence() -> None:
    quoted = TextLayer(LAYER.text, segments=(Segment(0, len(LAYER.text), SegmentKind.QUOTATION),))
    assert draft([signal()], quoted).drafts == ()


def test_seconds_alone_are_evidence_for_what_is_heard_without_any_words() -> None:
    pause = Span(-1, -1, "", 3.0, 4.5, "long pause")
    (one,) = draft([signal("voice:pauses:long", (pause,), own_words=0)], None).drafts
    assert one.contribution.timed
    assert one.evidence[0].span == pause


def test_evidence_is_not_repeated_and_does_not_overlap() -> None:
    first = at(3)
    overlapping = LAYER.span(first.start + 5, first.end + 5)
    (one,) = draft([signal(evidence=(first, first, overlapping, at(4)))], LAYER).drafts
    assert [proof.span for proof in one.evidence] == [first, at(4)]


def test_the_same_words_in_two_places_are_shown_once() -> None:
    text = "I never sing. I never sing. I sometimes dance."
    twice = TextLayer(text, segments=(Segment(0, len(text)),))
    spans = (twice.span(0, 13), twice.span(14, 27), twice.span(28, 46))
    (one,) = draft([signal(evidence=spans)], twice).drafts
    assert [proof.span for proof in one.evidence] == [spans[0], spans[2]]


def test_evidence_crowded_in_one_place_is_cut_to_three_and_spread_evidence_to_five() -> None:
    (crowded,) = draft([signal(evidence=tuple(at(n) for n in range(12)))], LAYER).drafts
    assert [proof.span for proof in crowded.evidence] == [at(0), at(1), at(2)]
    (spread,) = draft([signal(evidence=tuple(at(n) for n in range(0, 200, 10)))], LAYER).drafts
    assert len(spread.evidence) == 5
    fifths = {int(5 * proof.span.start / len(LAYER.text)) for proof in spread.evidence}
    assert fifths == {0, 1, 2, 3, 4}


def test_a_passage_nobody_would_read_is_no_evidence() -> None:
    assert draft([signal(evidence=(LAYER.span(0, 2000),))], LAYER).drafts == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"certainty": 0.4},
        {"certainty": math.nan},
        {"distance": math.inf},
        {"own_words": 99},
        {"name": " \x00 "},
        {"claim_kind": ClaimKind.INFERRED},
        {"claim_kind": ClaimKind.INFERRED, "study": STUDY},
        {"claim_kind": ClaimKind.INFERRED, "z": 1.0},
    ],
)
def test_what_may_not_be_claimed_is_not_proposed(changed: dict[str, Any]) -> None:
    assert only(signal(**changed)) == []


@pytest.mark.parametrize(
    ("authorship", "kinds"),
    [
        (Authorship.OTHER, set()),
        (Authorship.FICTION, {"habit:a:high"}),
        (Authorship.SELF, {"habit:a:high", "fact:b", "disposition:c:high"}),
        (Authorship.UNKNOWN, {"habit:a:high", "fact:b", "disposition:c:high"}),
    ],
)
def test_who_wrote_it_decides_what_may_be_claimed(authorship: Authorship, kinds: set[str]) -> None:
    signals = (
        signal("habit:a:high", (at(1),)),
        signal("fact:b", (at(2),), claim_kind=ClaimKind.STATED),
        signal("disposition:c:high", (at(3),), claim_kind=ClaimKind.INFERRED, study=STUDY, z=1.0),
    )
    assert set(only(*signals, authorship=authorship)) == kinds


def test_names_are_made_storable_and_short() -> None:
    (one,) = draft([signal(name="Says \ud800 a\x00b\u2028c\n " + "x" * 500)], LAYER).drafts
    assert one.contribution.name.startswith("Says a b c x")
    assert len(one.contribution.name) == LONGEST_NAME
    one.contribution.name.encode()


def test_signals_of_one_trait_are_folded_into_the_best_with_the_evidence_of_both() -> None:
    weak = signal("habit:question:often", (at(190),), certainty=0.6, analyzer="llm.style", feature_set_id=UUID(int=2))
    drafted = draft([weak, signal()], LAYER, models={"llm.style": "some-model"})
    (one,) = drafted.drafts
    assert one.contribution.certainty == 0.9
    assert set(one.contribution.sources) == {"text.style", "some-model"}
    assert {proof.span for proof in one.evidence} == {at(0), at(50), at(100), at(190)}


def test_the_same_text_seen_by_several_models_counts_once() -> None:
    alone = draft([signal()], LAYER).drafts[0].contribution
    models = [signal(analyzer=f"model.{n}", feature_set_id=UUID(int=n)) for n in range(1, 6)]
    together = draft(models, LAYER).drafts[0].contribution
    assert together.measurement() == alone.measurement()


def test_stated_comes_before_observed_before_inferred_at_comparable_worth() -> None:
    kinds = [
        signal("disposition:a:high", (at(1),), claim_kind=ClaimKind.INFERRED, study=STUDY, z=1.0, distance=1.0),
        signal("habit:b:high", (at(2),), distance=1.0),
        signal("fact:c", (at(3),), claim_kind=ClaimKind.STATED, distance=1.0),
    ]
    assert only(*kinds) == ["fact:c", "habit:b:high", "disposition:a:high"]


def test_surer_further_from_the_norm_and_more_specific_come_first() -> None:
    base = draft([signal()], LAYER).drafts[0].contribution
    better = [replace(base, distance=3.0), replace(base, specificity=0.9)]
    assert all(rank(one, 0.9) > rank(base, 0.9) for one in better)
    assert rank(base, 0.95) > rank(base, 0.9)


def test_a_document_gives_few_candidates_of_several_families() -> None:
    habits = [signal(f"habit:h{n}:high", (at(n),), name=f"Habit h{n} alpha{n}") for n in range(20)]
    topics = [signal(f"topic:t{n}", (at(50 + n),), name=f"Topic t{n}", certainty=0.6) for n in range(20)]
    facts = [
        signal(f"fact:f{n}:x", (at(90 + n),), name=f"Fact f{n}", certainty=0.7, claim_kind=ClaimKind.STATED)
        for n in range(20)
    ]
    keys = only(*habits, *topics, *facts)
    assert len(keys) == MOST
    families = Counter(key.partition(":")[0] for key in keys)
    assert families == {"fact": MOST_STATED, "habit": MOST_OF_FAMILY, "topic": 1}


def test_a_near_repetition_by_name_is_dropped() -> None:
    better = signal("habit:questions:high", (at(1),), name="Asks a lot of questions", certainty=0.95)
    worse = signal("habit:curiosity:high", (at(2),), name="Often asks questions")
    assert only(worse, better) == ["habit:questions:high"]


def test_a_habit_shown_by_the_same_sentences_as_another_is_dropped_but_not_a_second_fact() -> None:
    same = (at(1), at(60), at(120))
    assert only(signal("habit:a:high", same, certainty=0.95), signal("habit:b:high", same)) == ["habit:a:high"]
    nurse = signal("fact:occupation:nurse", (at(1),), claim_kind=ClaimKind.STATED, certainty=0.95)
    berlin = signal("fact:home:berlin", (at(1),), claim_kind=ClaimKind.STATED)
    assert only(nurse, berlin) == ["fact:occupation:nurse", "fact:home:berlin"]


def test_the_order_of_signals_does_not_matter() -> None:
    signals = [signal(f"habit:h{n}:high", (at(n), at(n + 40)), name=f"Habit h{n} beta{n}") for n in range(30)]
    wanted = only(*signals)
    Random(7).shuffle(signals)
    assert only(*signals) == wanted


def contribution(**changed: Any) -> Contribution:
    base = draft([signal()], LAYER).drafts[0].contribution
    return replace(base, **changed)


def test_a_contribution_survives_json() -> None:
    one = (
        draft([signal(claim_kind=ClaimKind.INFERRED, study=STUDY, z=1.2, notes={"rate": 2.0})], LAYER)
        .drafts[0]
        .contribution
    )
    assert Contribution.from_json(one.as_json()) == one


def test_packages_support_each_other_and_one_can_be_taken_out_again() -> None:
    first, second = str(uuid4()), str(uuid4())
    alone = combine({first: contribution(certainty=0.7)}, {})
    both = combine({first: contribution(certainty=0.7), second: contribution(certainty=0.7)}, {})
    assert both.confidence.shown > alone.confidence.shown
    assert combine({first: contribution(certainty=0.7)}, {}) == alone


def test_the_strongest_package_gives_the_name() -> None:
    combined = combine(
        {"a": contribution(name="Weak", certainty=0.6), "b": contribution(name="Strong", certainty=0.9)}, {}
    )
    assert combined.contribution.name == "Strong"


def test_a_stated_fact_outweighs_the_same_trait_observed() -> None:
    observed = contribution(certainty=0.99)
    stated = contribution(certainty=0.7, claim_kind=ClaimKind.STATED)
    combined = combine({"a": observed, "b": stated}, {})
    assert combined.contribution.claim_kind is ClaimKind.STATED
    assert combined.confidence.ceiling == 0.98


def test_feature_sets_and_models_of_all_packages_are_named() -> None:
    combined = combine(
        {"a": contribution(sources={"x": str(UUID(int=5))}), "b": contribution(sources={"y": str(UUID(int=6))})}, {}
    )
    assert combined.models == ("x", "y")
    assert combined.feature_set_ids == (UUID(int=5), UUID(int=6))


def test_the_track_record_of_the_source_counts_and_that_of_others_does_not() -> None:
    one = {"a": contribution()}
    neutral = combine(one, {}).confidence.shown
    assert combine(one, {("text.style", ClaimKind.OBSERVED): TrackRecord(0, 9)}).confidence.shown < neutral
    assert combine(one, {("text.style", ClaimKind.STATED): TrackRecord(0, 9)}).confidence.shown == neutral
    assert combine(one, {("other", ClaimKind.OBSERVED): TrackRecord(0, 9)}).confidence.shown == neutral


KINDS = st.sampled_from([ClaimKind.STATED, ClaimKind.OBSERVED, ClaimKind.INFERRED])
CONTRIBUTIONS = st.builds(
    lambda kind, certainty, words, places, counter, z: contribution(
        claim_kind=kind, certainty=certainty, own_words=words, occurrences=places, counter=counter, z=z,
        study=STUDY if kind is ClaimKind.INFERRED else None,
    ),
    KINDS, st.floats(0.5, 1), st.integers(100, 5000), st.integers(1, 9), st.integers(0, 3), st.floats(0, 2),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTRIBUTIONS, min_size=1, max_size=60))
def test_the_strongest_packages_and_the_totals_say_what_all_packages_say(every: list[Contribution]) -> None:
    packages = {str(UUID(int=n)): one for n, one in enumerate(every)}
    totals: dict[str, dict[str, int]] = {}
    for one in every:
        totals = recount(totals, None, one)
    strongest = sorted(packages, key=lambda package: (packages[package].weight, package))[-MOST_COMBINED:]
    combined = combine({package: packages[package] for package in strongest}, {}, totals)
    assert combined == combine(packages, {})
    kind = combined.contribution.claim_kind
    whole = assess(kind, [one.measurement() for one in every if one.claim_kind is kind])
    # Both figures are rounded, so that a difference below the last digit can turn it.
    assert combined.confidence.shown == pytest.approx(whole.shown, abs=1.01e-4)
    assert combined.confidence.ceiling == whole.ceiling


@given(CONTRIBUTIONS, CONTRIBUTIONS, CONTRIBUTIONS)
def test_totals_forget_what_is_taken_out(kept: Contribution, one: Contribution, other: Contribution) -> None:
    alone = recount({}, None, kept)
    replaced = recount(recount(alone, None, one), one, other)
    assert replaced == recount(alone, None, other)
    assert recount(replaced, other, None) == alone
    assert recount(alone, kept, None) == {}


def test_what_speaks_against_a_trait_never_outweighs_what_supports_it() -> None:
    against = contribution(claim_kind=ClaimKind.STATED, certainty=0.0, name="Against")
    assert combine({"b": against, "a": contribution(name="For", certainty=0.5)}, {}).contribution.name == "For"
