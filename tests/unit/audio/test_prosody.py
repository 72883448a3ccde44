from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis import Blob, Context, Result
from app.analyzers.audio.prosody import analyse
from app.errors import Refusal
from app.layers import Span
from app.vocabulary import ReasonCode


def measure(*parts: sounds.Floats, rate: int = sounds.RATE, **options: float) -> dict[str, Any]:
    return analyse(Blob(sounds.wav(*parts, rate=rate), "audio/wav"), Context(options=options)).features


def refused(*parts: sounds.Floats) -> ReasonCode:
    with pytest.raises(Refusal) as caught:
        measure(*parts)
    return caught.value.reason.code


def numbers_under(doc: object, words: tuple[str, ...], path: str = "") -> list[float]:
    """Every number whose path of keys contains all the words, in order of appearance."""
    if isinstance(doc, dict):
        return [n for key, value in doc.items() for n in numbers_under(value, words, f"{path} {key.lower()}")]
    if isinstance(doc, (int, float)) and not isinstance(doc, bool) and all(word in path for word in words):
        return [doc]
    return []


@settings(max_examples=12, deadline=None)
@given(st.integers(75, 500))
def test_median_pitch_is_that_of_the_voice_without_octave_errors(hertz: int) -> None:
    pitch = measure(sounds.syllables(8, 4, hertz=hertz))["pitch"]

    assert pitch["measurable"] is True
    assert pitch["medianHz"] == pytest.approx(hertz, rel=0.02)


def test_pitch_survives_noise_10_db_below_the_voice() -> None:
    voice = sounds.syllables(20, 4, hertz=210)
    level = float(np.sqrt(np.mean(voice**2))) * 10 ** (-10 / 20)

    assert measure(voice + sounds.noise(5, level))["pitch"]["medianHz"] == pytest.approx(210, rel=0.02)


def test_a_falsetto_stands_far_above_a_modal_voice() -> None:
    modal, falsetto = (measure(sounds.syllables(8, 4, hertz=h))["pitch"]["medianHz"] for h in (110, 480))

    assert falsetto > 4 * modal


def test_semitone_spread_follows_the_melody_and_ignores_octave_errors() -> None:
    level = measure(sounds.syllables(8, 4, hertz=150))
    melody = measure(*(sounds.syllables(2, 4, hertz=h) for h in (120, 150, 180, 150)))

    assert level["pitch"]["sdSemitones"] < 0.5
    # The standard deviation of log2(120, 150, 180, 150) is 2.5 semitones.
    assert melody["pitch"]["sdSemitones"] == pytest.approx(2.5, abs=0.4)


def test_a_whisper_has_no_pitch_no_pace_and_no_number_under_either() -> None:
    features = measure(sounds.silence(0.5), sounds.whisper(12, 4), sounds.silence(0.5))

    assert features["pitch"]["measurable"] is False
    assert features["pitch"]["why"]
    assert numbers_under(features, ("pitch",)) == []
    assert numbers_under(features, ("median", "hz")) == []
    assert features["speech"]["articulationRate"] is None
    assert "voice" in features["speech"]["why"]
    assert features["quality"]["jitterLocal"] is None


def test_the_median_is_the_first_number_under_median_and_hz() -> None:
    features = measure(sounds.syllables(12, 4, hertz=200))

    assert numbers_under(features, ("median", "hz")) == [features["pitch"]["medianHz"]]


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(sounds.silence(2), id="digital silence"),
        pytest.param(sounds.silence(0.01), id="ten milliseconds"),
        pytest.param(sounds.noise(6), id="steady noise"),
        pytest.param(sounds.tone(6), id="a tone"),
        pytest.param(sounds.tone(6, 100) + sounds.noise(6, 0.001), id="mains hum"),
        pytest.param(np.concatenate([sounds.silence(1), sounds.noise(0.02, 0.9), sounds.silence(2)]), id="a click"),
    ],
)
def test_what_is_no_speech_is_refused(sound: sounds.Floats) -> None:
    assert refused(sound) is ReasonCode.NO_SPEECH


def test_a_recording_over_the_limit_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        measure(sounds.syllables(8, 4), max_seconds=1)

    assert caught.value.reason.code is ReasonCode.LIMIT_EXCEEDED


@pytest.mark.parametrize("per_second", [2.5, 4.0, 6.0])
def test_syllables_are_counted_over_speech_and_not_over_pauses(per_second: float) -> None:
    part = sounds.syllables(20, per_second)
    speech = measure(part, sounds.silence(2), part)["speech"]

    assert speech["syllables"] == pytest.approx(40, abs=2)
    assert speech["articulationRate"] == pytest.approx(per_second, rel=0.1)
    assert speech["speechRate"] == pytest.approx(40 / (40 / per_second + 2), rel=0.1)
    low, high = speech["articulationRateInterval"]
    assert low < speech["articulationRate"] < high


def test_pauses_are_found_where_they_are() -> None:
    part = sounds.syllables(8, 4)
    gaps = (0.1, 0.5, 1.2, 2.0)
    parts = [part]
    for gap in gaps:
        parts += [sounds.silence(gap), part]
    speech = measure(sounds.silence(3), *parts, sounds.silence(3))["speech"]

    assert speech["pauses"]["count"] == 3
    assert speech["pauses"]["share"] == pytest.approx(3.7 / (10 + sum(gaps)), abs=0.03)
    assert speech["pauses"]["longCount"] == 2
    spans = [Span.from_json(p) for p in speech["pauses"]["long"]]
    times = [time for s in spans for time in (s.start_time, s.end_time)]
    assert times == pytest.approx([12.8, 14.8, 9.6, 10.8], abs=0.15)
    assert {(s.start, s.end, s.label) for s in spans} == {(-1, -1, "long pause")}
    assert speech["startTime"] == pytest.approx(3, abs=0.15)


def test_a_breath_between_sentences_is_a_pause() -> None:
    part, breath = sounds.syllables(8, 4), 0.02 * sounds.noise(0.5, 1)
    with_breath = measure(part, sounds.silence(0.5), breath, sounds.silence(0.5), part)["speech"]

    assert with_breath["pauses"]["longCount"] == 1
    assert with_breath["speechSeconds"] == pytest.approx(4, abs=0.3)


def test_stretches_are_split_at_the_longest_pauses_and_show_the_change_of_pace() -> None:
    fast, slow = sounds.syllables(30, 5), sounds.syllables(15, 2.5)
    speech = measure(fast[: len(fast) // 2], sounds.silence(0.3), fast[len(fast) // 2 :], sounds.silence(0.8), slow)
    first, second = speech["speech"]["stretches"]

    assert first["rate"] > 1.5 * second["rate"]
    assert first["interval"][0] > second["interval"][1]
    assert first["span"]["end_time"] == pytest.approx(6.3, abs=0.2)


def test_loudness_varies_where_the_speaker_varies_it() -> None:
    part = sounds.syllables(12, 4)
    even, uneven = measure(part, part), measure(part, 0.25 * part)

    assert uneven["intensity"]["sdDb"] > even["intensity"]["sdDb"] + 2


def test_quality_speaks_of_the_recording() -> None:
    voice = sounds.syllables(20, 4)
    pause = sounds.silence(1)
    clean = measure(np.concatenate([voice, pause]) + sounds.noise(6, 0.0005))["quality"]
    noisy = measure(np.concatenate([voice, pause]) + sounds.noise(6, 0.02))["quality"]
    clipped = measure(np.clip(4 * voice, -1, 1))["quality"]

    assert clean["snrDb"] > noisy["snrDb"] + 20
    assert clean["hnrDb"] > noisy["hnrDb"]
    assert clean["clippedShare"] == 0
    assert clipped["clippedShare"] > 0.01


def test_the_sampling_rate_of_the_file_does_not_matter() -> None:
    found = [measure(sounds.syllables(24, 4, hertz=180, rate=rate), rate=rate) for rate in (16_000, 48_000)]

    assert found[0]["pitch"]["medianHz"] == pytest.approx(found[1]["pitch"]["medianHz"], rel=0.005)


def test_features_are_small_json_and_come_back_whole() -> None:
    parts = [p for _ in range(60) for p in (sounds.syllables(4, 4), sounds.silence(1.1))]
    result = analyse(Blob(sounds.wav(*parts), "audio/wav"), Context())
    text = json.dumps(result.as_json(), allow_nan=False)

    assert Result.from_json(json.loads(text)).features == result.features
    assert len(text) < 20_000
    assert result.features["speech"]["pauses"]["longCount"] == 59
    assert "praat" in result.model


def test_medians_agree_with_praat_on_real_recordings(recordings: dict[str, tuple[bytes, dict[str, Any]]]) -> None:
    off: dict[str, float] = {}
    for name, (data, truth) in recordings.items():
        own = (truth.get("measured_with_praat_for_this_set") or {}).get("mono", {}).get("F0_median_Hz")
        published = truth.get("reference_measurements", {}).get("praat_6_0_29", {}).get("F0_Hz", {}).get("median")
        if "whisper" in name or own is None:
            continue
        found = analyse(Blob(data, ""), Context()).features["pitch"]["medianHz"]
        if any(reference and abs(found / reference - 1) > 0.05 for reference in (own, published)):
            off[name] = found

    assert off == {}


def test_a_real_whisper_has_no_pitch(recordings: dict[str, tuple[bytes, dict[str, Any]]]) -> None:
    features = analyse(Blob(recordings["phonation_mfa_whisper.flac"][0], ""), Context()).features

    assert features["pitch"]["measurable"] is False
    assert numbers_under(features, ("pitch",)) == []


def test_a_speaker_who_says_that_they_slow_down_does(recordings: dict[str, tuple[bytes, dict[str, Any]]]) -> None:
    data, truth = recordings["spontaneous_fast_then_slow.wav"]
    stretches = analyse(Blob(data, ""), Context()).features["speech"]["stretches"]

    def rate_at(second: float) -> float:
        return next(float(s["rate"]) for s in stretches if s["span"]["start_time"] <= second <= s["span"]["end_time"])

    fast, slow = ((s["start"] + s["end"]) / 2 for s in truth["stretches"])
    assert rate_at(fast) > 1.2 * rate_at(slow)
