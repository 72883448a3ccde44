"""Contours of a recording: pitch, loudness and voice quality, as Praat measures them.

Settings are those of Praat's manual for speech whose speaker is not known: pitch by cross-correlation, 60 to 600 Hz,
every 10 ms. Long recordings are read in blocks, so that memory does not grow with their length; thresholds that Praat
sets relative to the loudest moment of a sound are corrected to the loudest moment of the whole recording.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import parselmouth  # type: ignore[import-not-found]  # compiled, without stubs
from librosa import resample
from parselmouth.praat import call  # type: ignore[import-not-found]  # as above

from app.analyzers.audio.voices import Timbre

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]
#: Times in seconds, and values.
Frames = tuple[Floats, Floats]

#: Hz. All that is measured lies below 8 kHz; Praat's time grows faster than the rate.
RATE = 16_000
#: Seconds of one block; recordings up to this length are measured in one piece.
BLOCK_S = 120.0
#: Seconds read beyond each end of a block, so that no frame at a seam is lost.
MARGIN_S = 0.25
#: Seconds below which Praat has no window for the loudness of the speech band.
MIN_BLOCK_S = 0.13
#: Seconds between frames.
STEP_S = 0.01
#: Hz, the range in which pitch is looked for.
FLOOR_HZ, CEILING_HZ = 60.0, 600.0
#: Hz. Where syllables are loud, and hum, rumble and hiss are not.
SPEECH_BAND = (250.0, 4000.0)
#: Seconds of the pieces on which voice quality is measured in a long recording, and how many there are.
QUALITY_PIECE_S, QUALITY_PIECES = 30.0, 4
#: Full scale is 1; some programs write the range of integers, but beyond that nothing is a sample.
LOUDEST = 1e6
#: Share of full scale from which a sample counts as clipped.
CLIP = 0.999


def instruments() -> str:
    """What measures, for `modelNameOrType`."""
    return f"praat {parselmouth.PRAAT_VERSION} (parselmouth {parselmouth.VERSION}), librosa {version('librosa')}"


@dataclass(frozen=True, slots=True)
class Quality:
    """Voice quality after Praat; None where nothing is voiced.

    Attributes:
        jitter: local, share of the period.
        shimmer: local, share of the amplitude.
        hnr_db: mean harmonics-to-noise ratio of the frames that are not silent.
    """

    jitter: float | None
    shimmer: float | None
    hnr_db: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Frames of a recording. All arrays are float64.

    Attributes:
        duration_s: seconds.
        pitch_times: seconds, shape (p,).
        pitch: Hz, shape (p,); 0 where unvoiced.
        loudness_times: seconds, shape (l,).
        loudness: dB relative to 2e-5 of full scale, shape (l,); comparable within one recording only.
        level_times: seconds, shape (m,).
        level: dB of the speech band, shape (m,).
        quality: voice quality.
        clipped: share of samples at full scale.
        timbre: of the voiced parts.
    """

    duration_s: float
    pitch_times: Floats
    pitch: Floats
    loudness_times: Floats
    loudness: Floats
    level_times: Floats
    level: Floats
    quality: Quality
    clipped: float
    timbre: Timbre

    def voiced_at(self, times: Floats) -> npt.NDArray[np.bool_]:
        """Whether the nearest pitch frame is voiced, for each time."""
        if not len(self.pitch):
            return np.zeros(len(times), dtype=bool)
        right = np.clip(np.searchsorted(self.pitch_times, times), 1, max(1, len(self.pitch) - 1))
        left = right - 1
        right = np.minimum(right, len(self.pitch) - 1)
        nearer = np.where(times - self.pitch_times[left] <= self.pitch_times[right] - times, left, right)
        voiced: npt.NDArray[np.bool_] = self.pitch[nearer] > 0
        return voiced


def trace(samples: Samples, rate: int) -> Contours:
    """Measure a recording.

    Args:
        samples: mono, full scale -1 to 1, shape (n,).
        rate: Hz.

    Returns:
        Its contours. All frames are empty where the recording is shorter than Praat's window.
    """
    samples = _cleaned(samples)
    clipped = float(np.mean((samples >= CLIP) | (samples <= -CLIP))) if len(samples) else 0.0
    duration = len(samples) / rate
    if rate > RATE:
        samples = resample(samples, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
        rate = RATE
    peak = _peak(samples)
    pitch: list[Frames] = []
    loudness: list[Frames] = []
    level: list[Frames] = []
    timbre = Timbre(rate)
    for begin, end, offset, sound in _blocks(samples, rate):
        times, hertz = _pitch(sound, peak)
        keep = _keep(times + offset, begin, end)
        times, hertz = times[keep], hertz[keep]
        timbre.add(sound.values[0].astype(np.float32), offset, times, hertz)
        pitch.append((times + offset, hertz))
        loudness.append(_within(sound.to_intensity(100.0), offset, begin, end))
        band = call(sound, "Filter (pass Hann band)", *SPEECH_BAND, 100.0)
        level.append(_within(band.to_intensity(50.0, STEP_S), offset, begin, end))
    return Contours(
        duration,
        *_joined(pitch),
        *_joined(loudness),
        *_joined(level),
        quality=_quality(samples, rate, peak),
        clipped=clipped,
        timbre=timbre,
    )


def _cleaned(samples: Samples) -> Samples:
    """Samples without what is none: floating-point WAVs can hold anything, NaN too, on which Praat would hang."""
    sound = np.abs(samples) <= LOUDEST
    return samples if sound.all() else np.where(sound, samples, np.float32(0))


def _joined(frames: list[Frames]) -> Frames:
    if not frames:
        return np.zeros(0), np.zeros(0)
    return np.concatenate([times for times, _ in frames]), np.concatenate([values for _, values in frames])


def _peak(samples: Samples) -> float:
    if not len(samples):
        return 0.0
    mean = float(samples.mean(dtype=np.float64))
    return max(float(samples.max()) - mean, mean - float(samples.min()))


def _blocks(samples: Samples, rate: int) -> Iterator[tuple[float, float, float, Any]]:
    """(first second kept, last second kept, second at which the sound begins, Praat Sound) of each block."""
    total = len(samples) / rate
    count = max(1, math.ceil(total / BLOCK_S))
    for index in range(count):
        begin = index * BLOCK_S
        end = total if index == count - 1 else begin + BLOCK_S
        first = max(0, int((begin - MARGIN_S) * rate))
        last = min(len(samples), int((end + MARGIN_S) * rate))
        if last - first >= MIN_BLOCK_S * rate:
            yield begin, end, first / rate, parselmouth.Sound(samples[first:last].astype(np.float64), rate)


def _keep(times: Floats, begin: float, end: float) -> npt.NDArray[np.bool_]:
    kept: npt.NDArray[np.bool_] = (times >= begin) & (times < end)
    return kept


def _within(contour: Any, offset: float, begin: float, end: float) -> Frames:  # noqa: ANN401 - Praat object
    times = np.asarray(contour.xs()) + offset
    keep = _keep(times, begin, end)
    return times[keep], np.asarray(contour.values[0])[keep]


def _relative(threshold: float, sound: Any, peak: float) -> float:  # noqa: ANN401 - Praat object
    """A silence threshold of the whole recording as one of this block."""
    own = _peak(sound.values[0])
    return threshold * peak / own if own > 0 else threshold


def _pitch(sound: Any, peak: float) -> Frames:  # noqa: ANN401 - Praat object
    """Times and Hz, 0 where unvoiced."""
    silence = _relative(0.03, sound, peak)
    pitch = call(
        sound, "To Pitch (cc)", STEP_S, FLOOR_HZ, 15, "no", silence, 0.45, 0.01, 0.35, 0.14, CEILING_HZ
    )  # fmt: skip
    return np.asarray(pitch.xs()), np.asarray(pitch.selected_array["frequency"])


def _quality(samples: Samples, rate: int, peak: float) -> Quality:
    """Quality of the whole of a short recording, of four pieces of a long one, weighted by what was voiced in them."""
    total = len(samples) / rate
    pieces = [(0.0, total)]
    if total > QUALITY_PIECE_S * QUALITY_PIECES:
        starts = np.linspace(0, total - QUALITY_PIECE_S, QUALITY_PIECES)
        pieces = [(float(s), float(s) + QUALITY_PIECE_S) for s in starts]
    rows = []
    for begin, end in pieces:
        part = samples[int(begin * rate) : int(end * rate)]
        if len(part) > rate / 10:
            rows.append(_piece_quality(parselmouth.Sound(part.astype(np.float64), rate), peak))
    table = np.array(rows).reshape(-1, 5)
    return Quality(
        _weighted(table[:, 0], table[:, 3]), _weighted(table[:, 1], table[:, 3]), _weighted(table[:, 2], table[:, 4])
    )


def _piece_quality(sound: Any, peak: float) -> tuple[float, float, float, float, float]:  # noqa: ANN401 - Praat object
    """Jitter, shimmer, HNR, number of periods, number of frames that are not silent; NaN where there is none."""
    points = call(sound, "To PointProcess (periodic, cc)", FLOOR_HZ, CEILING_HZ)
    period = (0, 0, 0.0001, 0.02, 1.3)
    jitter = call(points, "Get jitter (local)", *period)
    shimmer = call([sound, points], "Get shimmer (local)", *period, 1.6)
    periods = call(points, "Get number of periods", *period)
    harmonicity = call(sound, "To Harmonicity (cc)", STEP_S, FLOOR_HZ, _relative(0.1, sound, peak), 1.0)
    ratios = np.asarray(harmonicity.values[0])
    ratios = ratios[ratios > -200]  # Praat's mark of a silent frame
    hnr = float(ratios.mean()) if len(ratios) else math.nan
    return jitter, shimmer, hnr, float(periods), float(len(ratios))


def _weighted(values: Floats, weights: Floats) -> float | None:
    known = np.isfinite(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else None
