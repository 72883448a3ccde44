"""Prosody of a recording: pitch, loudness, pace and pauses, and how good the recording is (Praat, librosa).

What cannot be measured is null with the reason, never a made-up number: whisper has no pitch, a hum no pace. Locators
are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.analysis import Blob, Context, Result
from app.analyzers.audio import speech as talk
from app.analyzers.audio.contours import STEP_S, Contours, instruments, trace
from app.audio import Track, decode
from app.errors import Refusal
from app.layers import Span
from app.vocabulary import ReasonCode

#: Seconds accepted where the row's options name no other limit.
MAX_SECONDS = 3 * 3600.0
#: Below, what Praat takes for periods is noise: whisper reaches 2 dB, a modal voice over noise 5.
MIN_HNR_DB = 3.0
#: Share of the sound that must be voiced, and seconds of it, before a pitch is stated.
MIN_VOICED_SHARE, MIN_VOICED_S = 0.1, 0.2
#: The person's range from the quartiles of a first measurement (Hirst and De Looze): outside lie octave errors.
RANGE_FACTORS = (0.75, 1.5)
#: Seconds from which a pause is long.
LONG_PAUSE_S = 1.0
#: Locators kept of each kind.
MAX_LOCATORS = 40


def analyse(blob: Blob, context: Context) -> Result:
    """Measure a recording.

    Args:
        blob: WAV, FLAC, MP3, Ogg Vorbis or Opus.
        context: option "max_seconds": the longest recording accepted.

    Returns:
        Features: `pitch`, `intensity`, `speech`, `quality`, `speakers`, `recording`; units are in the key names.

    Raises:
        Refusal: no_speech where nothing sounds like speech; unsupported_type, corrupt, no_audio or limit_exceeded
        from decoding.
    """
    track = decode(blob.data, max_seconds=float(context.options.get("max_seconds", MAX_SECONDS)))
    contours = trace(track.samples, track.rate)
    runs, threshold, noise = talk.sounding(contours)
    if not talk.is_modulated(runs, talk.maxima(contours, threshold)):
        raise Refusal(
            ReasonCode.NO_SPEECH,
            "Nothing in the recording sounds like speech: is it silent, or was another microphone chosen?",
            seconds=round(track.duration_s, 1),
        )
    voicing = Voicing.of(contours, runs)
    spoken = talk.find(contours, runs, threshold, noise, voicing=voicing.measurable)
    if not spoken.runs:
        raise Refusal(ReasonCode.NO_SPEECH, "Nothing in the recording sounds like a voice.")
    features = {
        "pitch": _pitch(contours, voicing),
        "intensity": _intensity(contours, spoken),
        "speech": _speech(spoken, voicing),
        "quality": _quality(contours, spoken, voicing),
        "speakers": {"toldApart": False, **contours.timbre.voices()},
        "recording": _recording(track),
    }
    return Result(features, model=instruments())


@dataclass(frozen=True, slots=True)
class Voicing:
    """Whether the pitch can be measured.

    Attributes:
        measurable: yes or no.
        why: the reason where it cannot.
        share: of the frames with sound, how many are voiced.
    """

    measurable: bool
    why: str | None
    share: float

    @classmethod
    def of(cls, contours: Contours, runs: list[talk.Run]) -> Voicing:
        """Judge by how much is voiced and how harmonic it is."""
        sound = talk.inside(contours.pitch_times, runs)
        voiced = contours.pitch > 0
        share = float(voiced[sound].mean()) if sound.any() else 0.0
        hnr = contours.quality.hnr_db
        why = None
        if voiced.sum() * STEP_S < MIN_VOICED_S or share < MIN_VOICED_SHARE:
            why = f"only {share:.0%} of the sound is voiced"
        elif hnr is None or hnr < MIN_HNR_DB:
            figure = "no" if hnr is None else f"{hnr:.1f} dB"
            why = f"the sound is not harmonic enough ({figure} harmonics to noise): whisper, or a noisy recording"
        return cls(why is None, why, share)


def _pitch(contours: Contours, voicing: Voicing) -> dict[str, Any]:
    """Median over all voiced frames, as Praat gives it; spread without octave errors, within the person's range."""
    if not voicing.measurable:
        names = ("medianHz", "p05Hz", "p95Hz", "sdSemitones", "voicedFraction", "outsideRange")
        return {"measurable": False, "why": voicing.why, **dict.fromkeys(names)}
    voiced = contours.pitch[contours.pitch > 0]
    low, high = np.quantile(voiced, [0.25, 0.75])
    own = voiced[(voiced > RANGE_FACTORS[0] * low) & (voiced < RANGE_FACTORS[1] * high)]
    return {
        "measurable": True,
        "why": None,
        "medianHz": round(float(np.median(voiced)), 1),
        "p05Hz": round(float(np.quantile(own, 0.05)), 1),
        "p95Hz": round(float(np.quantile(own, 0.95)), 1),
        "sdSemitones": round(float(np.std(12 * np.log2(own))), 2),
        "voicedFraction": round(len(voiced) / len(contours.pitch), 3),
        "outsideRange": round(1 - len(own) / len(voiced), 3),
    }


def _intensity(contours: Contours, spoken: talk.Speech) -> dict[str, Any]:
    during = contours.loudness[talk.inside(contours.loudness_times, spoken.runs)]
    if not len(during):
        return {"sdDb": None, "rangeDb": None, "why": "too short to measure"}
    low, high = np.quantile(during, [0.05, 0.95])
    return {"sdDb": round(float(during.std()), 2), "rangeDb": round(float(high - low), 2), "why": None}


def _speech(spoken: talk.Speech, voicing: Voicing) -> dict[str, Any]:
    whole = spoken.part(spoken.runs)
    span = whole.end - whole.start
    counted = bool(spoken.nuclei)
    low, high = whole.interval(spoken.cv)
    return {
        "speechSeconds": round(spoken.seconds, 2),
        "startTime": round(whole.start, 2),
        "endTime": round(whole.end, 2),
        "syllables": whole.syllables if counted else None,
        "articulationRate": round(whole.rate, 2) if counted else None,
        "articulationRateInterval": [round(low, 2), round(high, 2)] if counted else None,
        "speechRate": round(whole.syllables / span, 2) if counted and span else None,
        "why": None if counted else f"syllables are counted by their voice: {voicing.why}",
        "syllableIntervalCv": round(spoken.cv, 3) if counted else None,
        "stretches": [_stretch(s, spoken.cv) for s in spoken.stretches()] if counted else [],
        "pauses": _pauses(spoken, span),
        "runs": _runs(spoken),
    }


def _stretch(stretch: talk.Stretch, cv: float) -> dict[str, Any]:
    low, high = stretch.interval(cv)
    return {
        "span": _span(stretch.start, stretch.end, "stretch of speech"),
        "speechSeconds": round(stretch.speech_s, 2),
        "syllables": stretch.syllables,
        "rate": round(stretch.rate, 2),
        "interval": [round(low, 2), round(high, 2)],
    }


def _pauses(spoken: talk.Speech, span: float) -> dict[str, Any]:
    pauses = spoken.pauses
    lengths = np.array([end - start for start, end in pauses])
    long = sorted((p for p in pauses if p[1] - p[0] >= LONG_PAUSE_S), key=lambda p: p[0] - p[1])
    return {
        "count": len(pauses),
        "share": round(float(lengths.sum()) / span, 3) if span else 0.0,
        "medianSeconds": round(float(np.median(lengths)), 2) if len(pauses) else None,
        "longCount": len(long),
        "longSeconds": round(sum(end - start for start, end in long), 2),
        "long": [_span(start, end, "long pause") for start, end in long[:MAX_LOCATORS]],
    }


def _runs(spoken: talk.Speech) -> dict[str, Any]:
    """How long somebody speaks without a pause."""
    lengths = np.array([end - start for start, end in spoken.runs])
    longest = sorted(spoken.runs, key=lambda r: r[0] - r[1])
    return {
        "count": len(lengths),
        "meanSeconds": round(float(lengths.mean()), 2),
        "longest": [_span(start, end, "without a pause") for start, end in longest[:MAX_LOCATORS]],
    }


def _quality(contours: Contours, spoken: talk.Speech, voicing: Voicing) -> dict[str, Any]:
    """Of the recording, not of the person (traits.md, section 3)."""
    quality = contours.quality
    level = contours.level[talk.inside(contours.level_times, spoken.runs)]
    snr = float(10 * np.log10(np.mean(10 ** (level / 10)))) - spoken.noise_db if len(level) else None
    shown = {"jitterLocal": quality.jitter, "shimmerLocal": quality.shimmer} if voicing.measurable else {}
    return {
        "jitterLocal": _rounded(shown.get("jitterLocal"), 5),
        "shimmerLocal": _rounded(shown.get("shimmerLocal"), 5),
        "hnrDb": _rounded(quality.hnr_db, 2),
        "snrDb": _rounded(min(snr, 120.0) if snr is not None else None, 1),
        "clippedShare": round(contours.clipped, 5),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _recording(track: Track) -> dict[str, Any]:
    return {
        "durationSeconds": round(track.duration_s, 3),
        "rateHz": track.rate,
        "channels": track.channels,
        "container": track.container,
        "codec": track.codec,
        "badPackets": track.bad_packets,
    }


def _span(start: float, end: float, label: str) -> dict[str, Any]:
    return Span(-1, -1, start_time=round(max(0.0, start), 2), end_time=round(end, 2), label=label).as_json()
