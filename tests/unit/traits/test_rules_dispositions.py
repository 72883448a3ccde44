from __future__ import annotations

from math import sqrt
from typing import Any
from uuid import uuid4

import pytest

from app.layers import Span
from app.traits.norms import groups
from app.traits.rules_dispositions import DISPOSITIONS, HIGHEST_R, MOST, composite, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind

NORM = groups()["essay_blog/en"]


def features(away: dict[str, float] | None = None, **changes: Any) -> dict[str, Any]:
    """Style features of an average blogger, some rates so many standard deviations away."""
    habits = {}
    for place, (key, figures) in enumerate(NORM.habits.items()):
        root = figures["rootMean"] + (away or {}).get(key, 0.0) * figures["rootSd"]
        rate = max(root, 0.0) ** 2
        starts = range(1000 * place, 1000 * place + 40, 10)
        habits[key] = {
            "rate": rate,
            "count": 50,
            "interval": [0.9 * rate, 1.1 * rate],
            "instances": [Span(start, start + 9, "0" * 64).as_json() for start in starts],
        }
    return {
        "ownWords": 6000,
        "language": "en",
        "register": "essay_blog",
        "era": "modern",
        "habits": habits,
    } | changes


def infer(
    doc: dict[str, Any], authorship: Authorship = Authorship.SELF, *, enabled: bool | None = True
) -> list[Signal]:
    return [*signals(Measured("text.style", uuid4(), doc, None, authorship), enabled=enabled)]


SOCIABLE = {"second_person": 2.0, "first_plural": 2.0, "positive_feeling": 2.0, "social": 2.0, "tentative": -2.0}


def test_nothing_is_inferred_unless_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not infer(features(SOCIABLE), enabled=None)
    from config.settings import settings

    monkeypatch.setenv("ECHO_INFER_DISPOSITIONS", "true")
    settings.cache_clear()
    try:
        assert infer(features(SOCIABLE), enabled=None)
    finally:
        monkeypatch.delenv("ECHO_INFER_DISPOSITIONS")
        settings.cache_clear()


def test_cues_that_agree_make_one_careful_signal_with_its_study() -> None:
    signal = infer(features(SOCIABLE))[0]
    assert signal.key == "disposition:extraversion:high"
    assert signal.claim_kind is ClaimKind.INFERRED
    assert signal.name.startswith("Some signs of")
    assert signal.study
    assert signal.study.doi == "10.1016/j.jrp.2010.04.001"
    assert signal.study.n == 694
    assert 0 < signal.study.r <= HIGHEST_R
    assert signal.z is not None
    assert signal.z >= 1
    assert len(signal.evidence) == 5
    assert "r = " in signal.description


def test_an_average_person_gets_none() -> None:
    assert not infer(features())


def test_a_low_score_is_never_said() -> None:
    assert not [s for s in infer(features({key: -z for key, z in SOCIABLE.items()})) if "extraversion" in s.key]


def test_correlated_cues_are_not_counted_twice() -> None:
    cues = DISPOSITIONS["extraversion"].cues
    raw = composite({key: features(SOCIABLE)["habits"][key]["rate"] for key in cues}, NORM.habits, cues)
    assert raw == pytest.approx(2 * len(cues), rel=1e-6)
    # Uncorrelated cues would have a sum of standard deviation sqrt(5); these go together, so it is larger.
    assert NORM.dispositions["extraversion"]["sd"] > sqrt(len(cues))
    signal = infer(features(SOCIABLE))[0]
    assert signal.notes["composite (SD)"] == pytest.approx(raw / NORM.dispositions["extraversion"]["sd"], abs=0.01)


def test_two_dispositions_a_document_at_most() -> None:
    everything = {
        "second_person": 3.0, "first_plural": 3.0, "positive_feeling": 3.0, "social": 3.0, "tentative": -3.0,
        "anger": -3.0, "achievement": 3.0, "negative_feeling": -3.0, "articles": 3.0, "prepositions": 3.0,
        "personal_pronouns": -3.0,
    }  # fmt: skip
    found = infer(features(everything))
    assert len(found) == MOST
    assert found[0].distance >= found[1].distance


@pytest.mark.parametrize("authorship", [a for a in Authorship if a is not Authorship.SELF])
def test_only_what_the_person_calls_their_own_is_read(authorship: Authorship) -> None:
    assert not infer(features(SOCIABLE), authorship)


@pytest.mark.parametrize(
    "changes",
    [{"language": "de"}, {"language": None}, {"ownWords": 300}, {"era": "early"}, {"register": "letters_diaries"}],
)
def test_other_languages_little_text_and_other_eras_give_none(changes: dict[str, Any]) -> None:
    assert not infer(features(SOCIABLE, **changes))


def test_worrying_shows_in_private_text_only() -> None:
    worried = {"first_singular": 3.0, "negative_feeling": 3.0}
    assert not infer(features(worried))
    letters = groups()["letters_diaries/en"].habits
    doc = features()
    for key in DISPOSITIONS["neuroticism"].cues:
        doc["habits"][key]["rate"] = (letters[key]["rootMean"] + 3 * letters[key]["rootSd"]) ** 2
    private = infer(doc | {"register": "letters_diaries", "era": "early"})
    assert "disposition:neuroticism:high" in {signal.key for signal in private}


def test_every_cue_has_a_size_and_norm_figures() -> None:
    for disposition in DISPOSITIONS.values():
        for cue, r in disposition.cues.items():
            assert 0 < abs(r) <= HIGHEST_R
            assert NORM.habits[cue]["rootSd"] > 0
