"""Confidence: bounded by what the method allows, explained to the last digit."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.traits.confidence import (
    CEILING_OBSERVED,
    CEILING_STATED,
    RECORD_WEIGHT,
    Grade,
    Measurement,
    TrackRecord,
    amount,
    assess,
    grade,
    inferred_ceiling,
)
from app.traits.signals import Study
from app.vocabulary import ClaimKind

STUDY = Study("10.1016/j.jrp.2010.04.001", 0.30, 694, "bloggers")
KINDS = st.sampled_from([ClaimKind.STATED, ClaimKind.OBSERVED, ClaimKind.INFERRED])
MEASUREMENTS = st.lists(
    st.builds(
        Measurement,
        certainty=st.floats(0, 1),
        own_words=st.integers(0, 100_000),
        occurrences=st.integers(1, 500),
        counter=st.integers(0, 50),
        timed=st.booleans(),
        study=st.builds(Study, st.just("doi"), st.floats(0, 1), st.integers(1, 9999), st.just("people")),
        z=st.floats(-6, 6),
    ),
    min_size=1,
    max_size=6,
)
RECORDS = st.builds(TrackRecord, st.integers(0, 500), st.integers(0, 500))


def habit(certainty: float = 0.9, words: int = 3000, occurrences: int = 10, **more: float) -> Measurement:
    return Measurement(certainty=certainty, own_words=words, occurrences=occurrences, **more)  # type: ignore[arg-type]


@given(KINDS, MEASUREMENTS, RECORDS)
def test_the_explanation_adds_up_to_what_is_shown(
    kind: ClaimKind, measurements: list[Measurement], record: TrackRecord
) -> None:
    confidence = assess(kind, measurements, record)
    values = [value for _, value, _ in confidence.explain]
    assert math.fsum(values) == pytest.approx(confidence.shown, abs=1e-9)
    assert sum(Decimal(repr(value)) for value in values) == Decimal(repr(confidence.shown))


@given(KINDS, MEASUREMENTS, RECORDS)
def test_all_figures_lie_within_nought_and_one_and_none_over_the_ceiling(
    kind: ClaimKind, measurements: list[Measurement], record: TrackRecord
) -> None:
    confidence = assess(kind, measurements, record)
    assert 0 <= confidence.support <= 1
    assert 0 <= confidence.shown <= confidence.ceiling <= 1
    assert 0 < confidence.track_record < 1


@given(KINDS, MEASUREMENTS, RECORDS, st.randoms())
def test_the_order_of_packages_does_not_matter(
    kind: ClaimKind, measurements: list[Measurement], record: TrackRecord, random: Random
) -> None:
    shuffled = random.sample(measurements, len(measurements))
    assert assess(kind, shuffled, record).shown == pytest.approx(assess(kind, measurements, record).shown, abs=2e-4)


@pytest.mark.parametrize(
    ("r", "z", "expected"),
    [(0.10, 1, 0.54), (0.20, 1, 0.58), (0.30, 1, 0.62), (0.40, 1, 0.67), (0.48, 1, 0.71),
     (0.10, 2, 0.58), (0.20, 2, 0.66), (0.30, 2, 0.74), (0.40, 2, 0.81), (0.48, 2, 0.86)],
)  # fmt: skip
def test_the_ceiling_is_the_published_one(r: float, z: float, expected: float) -> None:
    assert inferred_ceiling(r, z) == pytest.approx(expected, abs=0.006)
    assert inferred_ceiling(r, z) == NormalDist().cdf(r * z / math.sqrt(1 - r * r))


@given(st.floats(0, 1), st.floats(-100, 100))
def test_no_text_cue_shows_more_than_the_credible_limit_allows(r: float, z: float) -> None:
    assert 0.5 <= inferred_ceiling(r, z) <= 0.865


@given(MEASUREMENTS)
def test_a_cue_of_r_30_never_shows_90(measurements: list[Measurement]) -> None:
    bounded = [
        Measurement(
            certainty=m.certainty,
            own_words=m.own_words,
            occurrences=m.occurrences,
            counter=m.counter,
            study=STUDY,
            z=m.z,
        )
        for m in measurements
    ]
    assert assess(ClaimKind.INFERRED, bounded, TrackRecord(500, 0)).shown < 0.75


def test_an_inference_without_a_study_shows_no_more_than_chance() -> None:
    assert assess(ClaimKind.INFERRED, [habit(1.0)]).shown == 0.5


def test_facts_and_habits_have_ceilings_of_their_own() -> None:
    sure = Measurement(certainty=1.0, own_words=5000, occurrences=50)
    assert assess(ClaimKind.STATED, [sure]).shown == CEILING_STATED
    assert assess(ClaimKind.OBSERVED, [sure]).shown == CEILING_OBSERVED


def test_less_text_weighs_less_and_3000_words_weigh_fully() -> None:
    weights = [amount(ClaimKind.OBSERVED, habit(words=words)) for words in (0, 50, 100, 350, 1000, 3000, 9000)]
    assert weights == sorted(weights)
    assert weights[2] == pytest.approx(0.6)
    assert weights[-2:] == [1.0, 1.0]


def test_seconds_of_sound_and_stated_facts_need_no_amount_of_words() -> None:
    assert amount(ClaimKind.OBSERVED, Measurement(certainty=1, timed=True)) == 1
    assert amount(ClaimKind.STATED, Measurement(certainty=1, own_words=120)) == 1


def test_a_habit_seen_in_more_places_is_surer() -> None:
    shown = [assess(ClaimKind.OBSERVED, [habit(occurrences=n)]).shown for n in (1, 2, 3, 30)]
    assert shown[0] < shown[1] < shown[2] == shown[3]


def test_another_package_adds_and_each_further_one_adds_less() -> None:
    shown = [assess(ClaimKind.OBSERVED, [habit(0.6)] * n).shown for n in (1, 2, 3, 4, 50)]
    gains = [b - a for a, b in pairwise(shown)]
    assert gains[0] > gains[1] > gains[2] > 0
    # Damped: fifty packages that each say .6 never make a certainty.
    assert shown[-1] < 0.85


def test_counter_evidence_lowers_and_never_takes_more_than_half() -> None:
    shown = [assess(ClaimKind.OBSERVED, [habit(counter=n)]).shown for n in (0, 1, 10, 100_000)]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) == 4
    assert shown[-1] >= shown[0] / 2


def test_without_decisions_the_track_record_is_neutral() -> None:
    confidence = assess(ClaimKind.OBSERVED, [habit()])
    assert confidence.track_record == 0.5
    assert "your decisions" not in {label for label, _, _ in confidence.explain}


def test_the_persons_decisions_move_the_figure_within_bounds() -> None:
    neutral = assess(ClaimKind.OBSERVED, [habit()]).shown
    one = assess(ClaimKind.OBSERVED, [habit()], TrackRecord(0, 1)).shown
    many = assess(ClaimKind.OBSERVED, [habit()], TrackRecord(0, 10_000)).shown
    trusted = assess(ClaimKind.OBSERVED, [habit()], TrackRecord(10_000, 0)).shown
    assert many < one < neutral < trusted <= CEILING_OBSERVED
    assert many >= neutral * (1 - RECORD_WEIGHT) - 1e-4


def test_the_explanation_names_the_study_and_the_figures() -> None:
    measured = Measurement(certainty=0.9, own_words=900, study=STUDY, z=1.8, notes=(("we in 100 words", 2.5),))
    told = {label: detail for label, _, detail in assess(ClaimKind.INFERRED, [measured], TrackRecord(1, 3)).explain}
    assert "10.1016/j.jrp.2010.04.001" in told["limit of the method"]
    assert "r = 0.30, N = 694 bloggers" in told["limit of the method"]
    assert "we in 100 words 2.5" in told["measurement"]
    assert told["amount of text"].startswith("900 own words")
    assert told["your decisions"] == "1 confirmed, 3 rejected from this source"


def test_json_has_the_shape_of_the_design() -> None:
    document = assess(ClaimKind.OBSERVED, [habit()]).as_json()
    assert set(document) == {"support", "ceiling", "trackRecord", "shown", "explain"}
    assert all(set(item) == {"label", "value", "detail"} for item in document["explain"])


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (0.0, Grade.WEAK),
        (0.5999, Grade.WEAK),
        (0.6, Grade.FAIR),
        (0.7999, Grade.FAIR),
        (0.8, Grade.STRONG),
        (1.0, Grade.STRONG),
    ],
)
def test_grades(shown: float, expected: Grade) -> None:
    assert grade(shown) is expected
