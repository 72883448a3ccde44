from __future__ import annotations

import numpy as np
import pytest
import sounds

from app.analyzers.audio import contours
from app.analyzers.audio.contours import trace


def test_blocks_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    # Loud, silent and quiet parts: what Praat takes for silence depends on the loudest moment of the whole recording.
    loud, quiet = sounds.syllables(12, 4, hertz=140), 0.02 * sounds.syllables(12, 4, hertz=220)
    samples = np.concatenate([loud, sounds.noise(3, 0.0001), quiet, loud]).astype(np.float32)
    whole = trace(samples, sounds.RATE)
    monkeypatch.setattr(contours, "BLOCK_S", 2.5)
    pieces = trace(samples, sounds.RATE)

    def voiced(c: contours.Contours) -> np.ndarray:
        return c.pitch[c.pitch > 0]

    assert len(pieces.pitch) == pytest.approx(len(whole.pitch), rel=0.01)
    assert len(voiced(pieces)) == pytest.approx(len(voiced(whole)), rel=0.03)
    assert np.median(voiced(pieces)) == pytest.approx(np.median(voiced(whole)), rel=0.005)
    levels = [np.quantile(c.level, [0.05, 0.5, 0.99]) for c in (pieces, whole)]
    assert levels[0] == pytest.approx(levels[1], abs=1)
    for times in (pieces.pitch_times, pieces.level_times, pieces.loudness_times):
        assert (np.diff(times) > 0).all()
        assert np.diff(times).max() < 3 * contours.STEP_S


def test_quality_of_a_long_recording_rests_on_pieces_spread_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = sounds.syllables(48, 4, hertz=140).astype(np.float32)
    whole = trace(voice, sounds.RATE).quality
    monkeypatch.setattr(contours, "QUALITY_PIECE_S", 1.0)
    pieces = trace(voice, sounds.RATE).quality

    assert whole.hnr_db is not None
    assert pieces.hnr_db == pytest.approx(whole.hnr_db, abs=1)
    assert pieces.jitter == pytest.approx(whole.jitter, abs=0.005)


def test_a_recording_shorter_than_the_window_has_no_frames() -> None:
    found = trace(sounds.tone(0.02).astype(np.float32), sounds.RATE)

    assert len(found.pitch) == len(found.level) == 0
    assert found.quality == contours.Quality(None, None, None)
    assert not found.voiced_at(np.array([0.01])).any()


@pytest.mark.parametrize("length", [0, 1, 700, 800, 960, 1600, 2079, 2080, 2100])
def test_recordings_of_any_length_have_contours(length: int) -> None:
    found = trace(sounds.noise(1, 0.1)[:length].astype(np.float32), sounds.RATE)

    assert len(found.pitch) == len(found.pitch_times)
    assert found.duration_s == length / sounds.RATE


def test_samples_that_are_no_numbers_do_no_harm() -> None:
    voice = sounds.syllables(48, 4, hertz=150).astype(np.float32)
    broken = voice.copy()
    broken[100:120], broken[5000], broken[9000] = np.nan, np.inf, -1e30
    found = trace(broken, sounds.RATE)

    assert np.median(found.pitch[found.pitch > 0]) == pytest.approx(150, rel=0.03)
    assert found.timbre.voices()["severalLikely"] is not None


@pytest.mark.parametrize(("rate", "step"), [(2_000, 8), (8_000, 4), (11_025, 4), (44_100, 1), (192_000, 1)])
def test_any_sampling_rate_will_do(rate: int, step: int) -> None:
    voice = sounds.syllables(12, 4, hertz=120, rate=rate * step)[::step]
    found = trace(voice.astype(np.float32), rate)

    assert np.median(found.pitch[found.pitch > 0]) == pytest.approx(120, rel=0.03)


def test_voicing_is_read_from_the_nearest_frame() -> None:
    samples = np.concatenate([sounds.silence(1), sounds.syllables(4, 4), sounds.silence(1)]).astype(np.float32)
    found = trace(samples, sounds.RATE)

    assert found.voiced_at(np.array([0.0, 0.5, 1.5, 2.5, 99.0])).tolist() == [False, False, True, False, False]
