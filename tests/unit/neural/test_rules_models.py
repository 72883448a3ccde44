from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.layers import Span
from app.traits.rules_models import MAX_CERTAINTY, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory


def features(**changed: object) -> dict[str, Any]:
    """A text of 100 sentences, 30 of them surely glad, all over it."""
    span = Span(0, 10, "0" * 64, label="joy").as_json()
    return {
        "labels": ["neutral", "joy", "sadness"],
        "sentences": {"own": 100, "read": 100},
        "ownWords": 1500,
        "counts": {"neutral": 60, "joy": 30, "sadness": 10},
        "meanTopScore": {"neutral": 0.9, "joy": 0.92, "sadness": 0.9},
        "parts": {"neutral": 10, "joy": 9, "sadness": 5},
        "best": {"joy": [{"span": span, "score": 0.99}], "neutral": [], "sadness": [{"span": span, "score": 0.99}]},
        **changed,
    }


def found(doc: dict[str, Any], authorship: Authorship = Authorship.UNKNOWN) -> list[Signal]:
    return list(signals(Measured("text.emotion_model", uuid4(), doc, None, authorship)))


def test_a_frequent_sure_and_spread_tone_is_an_observation() -> None:
    (signal,) = found(features())

    assert signal.key == "emotion:joy:expressed"
    assert signal.claim_kind is ClaimKind.OBSERVED
    assert signal.category is TraitCategory.EMOTIONAL_RESPONSE_PATTERN
    assert signal.certainty <= MAX_CERTAINTY
    assert "30 of 100 sentences: 30% (95 % interval 22%-40%)" in signal.description


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"labels": ["joy", "sadness"]}, id="the model knows no neutral sentence"),
        pytest.param({"sentences": {"own": 59, "read": 59}}, id="a short text"),
        pytest.param({"counts": {"neutral": 84, "joy": 16, "sadness": 0}}, id="rare"),
        pytest.param({"parts": {"neutral": 10, "joy": 6, "sadness": 5}}, id="in one part of the text"),
        pytest.param({"meanTopScore": {"joy": 0.79}}, id="the model is not sure"),
    ],
)
def test_nothing_is_proposed_where_the_tone_is_not_clear(changed: dict[str, Any]) -> None:
    assert found(features(**changed)) == []


def test_sadness_is_never_proposed() -> None:
    doc = features(
        counts={"neutral": 10, "joy": 0, "sadness": 90},
        parts={"neutral": 3, "joy": 0, "sadness": 10},
        meanTopScore={"neutral": 0.9, "sadness": 0.99},
    )

    assert found(doc) == []


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.MIXED, Authorship.FICTION])
def test_what_others_wrote_says_nothing(authorship: Authorship) -> None:
    assert found(features(), authorship) == []
