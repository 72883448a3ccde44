from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Blob, Context
from app.analyzers.audio.prosody import analyse
from app.layers import Span
from app.traits.rules_voice import MAX_CERTAINTY, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory


def span(start: float, end: float, label: str = "stretch of speech") -> dict[str, Any]:
    return Span(-1, -1, start_time=start, end_time=end, label=label).as_json()


def stretch(start: float, speech_s: float, rate: float) -> dict[str, Any]:
    return {
        "span": span(start, start + speech_s),
        "speechSeconds": speech_s,
        "syllables": round(rate * speech_s),
        "rate": rate,
        "interval": [0.8 * rate, 1.25 * rate],
    }


def recording(
    *,
    rates: tuple[float, ...] = (4.0, 4.1, 3.9),
    seconds: float = 10.0,
    long_pauses: int = 0,
    runs: tuple[float, ...] = (2.0, 3.0),
    several: bool | None = False,
    snr: float = 40.0,
) -> dict[str, Any]:
    """Features as `audio.prosody` gives them, as far as the rules read them."""
    speech_s = seconds * len(rates)
    pauses = [span(10.0 * i, 10.0 * i + 1.5, "long pause") for i in range(long_pauses)]
    return {
        "speech": {
            "speechSeconds": speech_s,
            "startTime": 0.0,
            "endTime": speech_s + 1.5 * long_pauses,
            "syllableIntervalCv": 0.5,
            "stretches": [stretch(seconds * i, seconds, rate) for i, rate in enumerate(rates)],
            "pauses": {"longCount": long_pauses, "longSeconds": 1.5 * long_pauses, "long": pauses},
            "runs": {"longest": [span(20.0 * i, 20.0 * i + s, "without a pause") for i, s in enumerate(runs)]},
        },
        "quality": {"snrDb": snr},
        "speakers": {"severalLikely": several},
    }


def found(features: dict[str, Any], authorship: Authorship = Authorship.UNKNOWN) -> dict[str, Signal]:
    measured = Measured("audio.prosody", uuid4(), features, None, authorship)
    return {signal.key: signal for signal in signals(measured)}


EVERYTHING: dict[str, Any] = {"rates": (5.0, 2.5, 4.8), "long_pauses": 8, "runs": (9.0, 8.5, 8.2)}


def test_a_change_of_pace_is_proposed_with_both_rates_their_intervals_and_the_seconds() -> None:
    signal = found(recording(rates=(4.8, 4.6, 2.4)))["voice:pace:changing"]

    assert signal.name == "Changes pace while speaking"
    assert "2.4 syllables a second (95 % interval 1.9-3.0)" in signal.description
    assert "4.8 (3.8-6.0), 2.0 times as fast" in signal.description
    assert "30 seconds of speech" in signal.description
    assert [(s.label, s.start_time, s.end_time) for s in signal.evidence] == [
        ("fast stretch", 0.0, 10.0),
        ("slow stretch", 20.0, 30.0),
    ]


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        ((4.0, 4.1, 3.9), "even"),
        ((4.4, 3.6, 4.0), "less than people vary anyhow"),
        ((4.0,), "one stretch"),
    ],
)
def test_an_ordinary_pace_is_not_proposed(rates: tuple[float, ...], why: str) -> None:
    assert found(recording(rates=rates, seconds=20)) == {}, why


def test_two_short_stretches_may_differ_by_chance() -> None:
    features = recording(rates=(4.0, 2.9), seconds=8)
    features["speech"]["syllableIntervalCv"] = 1.0

    assert found(features) == {}


def test_a_long_recording_is_not_judged_by_its_two_extremes() -> None:
    # Sampling alone spreads the pace of 40 short stretches from 3.2 to 5 around one true pace.
    rates = tuple(4.0 * 1.12 ** ((i * 7 % 11 - 5) / 2.5) for i in range(40))

    assert max(rates) / min(rates) > 1.5
    assert found(recording(rates=rates, seconds=4)) == {}


def test_long_pauses_are_counted_with_an_interval() -> None:
    signal = found(recording(long_pauses=6))["voice:pauses:long"]

    assert "6 pauses of a second or more, 9.2 a minute (95 % interval 3.4-20.1)" in signal.description
    assert "take 23% of 39 seconds" in signal.description
    assert len(signal.evidence) == 5
    assert signal.occurrences == 6


def test_a_few_long_pauses_are_nothing() -> None:
    assert found(recording(long_pauses=3)) == {}


def test_long_runs_without_a_pause_are_proposed() -> None:
    signal = found(recording(runs=(12.0, 9.0, 8.0, 1.0)))["voice:runs:long"]

    assert "3 stretches of 8 seconds or more without a pause, the longest 12 seconds" in signal.description
    assert len(signal.evidence) == 3


def test_noise_hides_pauses_so_that_nothing_is_said_of_runs() -> None:
    assert found(recording(runs=(12.0, 9.0, 8.0), snr=12.0)) == {}


@pytest.mark.parametrize("several", [True, None])
def test_nothing_is_proposed_where_several_people_may_speak(several: bool | None) -> None:
    assert found(recording(**EVERYTHING, several=several)) == {}


def test_nothing_is_proposed_from_less_than_15_seconds_of_speech() -> None:
    assert found(recording(**EVERYTHING, seconds=4.9)) == {}


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.MIXED, Authorship.FICTION])
def test_another_persons_voice_says_nothing(authorship: Authorship) -> None:
    assert found(recording(**EVERYTHING), authorship) == {}


def test_every_claim_is_a_cautious_observation_of_one_recording() -> None:
    claims = found(recording(**EVERYTHING))

    assert set(claims) == {"voice:pace:changing", "voice:pauses:long", "voice:runs:long"}
    for signal in claims.values():
        assert signal.claim_kind is ClaimKind.OBSERVED
        assert signal.category is TraitCategory.COMMUNICATION_STYLE
        assert 0 < signal.certainty <= MAX_CERTAINTY
        assert "95 % interval" in signal.description
        assert "one recording" in signal.description
        assert len(signal.name.split()) <= 6
        assert all(s.start == -1 and s.end_time and s.label for s in signal.evidence)
        assert signal.notes["speechSeconds"] == 30


def test_the_sample_voice_message_changes_pace_and_pauses() -> None:
    recorded = Path(__file__).resolve().parents[3] / "examples" / "persona" / "voice_note.ogg"
    features = analyse(Blob(recorded.read_bytes(), "audio/ogg"), Context()).features

    assert set(found(features)) == {"voice:pace:changing", "voice:pauses:long"}
