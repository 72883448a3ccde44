"""Whether a recording seems to hold more than one voice.

No diarisation: it only says whether the voiced parts fall into two groups of timbre that take turns, in which case
nothing measured over the whole recording describes one person. Timbre is the mean of mel-frequency cepstral
coefficients (`librosa`) over a second or more of speech, measured in units of its variation within such windows;
pitch is left out, since one person raises and lowers it. The two groups come from k-means, their separation is the
silhouette (doi 10.1016/0377-0427(87)90125-7), turn-taking is the test of Wald and Wolfowitz (1940) on the order of
windows: one person's windows alternate as chance has it, two people's come in turns. Recorded and synthetic
monologues reached a silhouette of .19 and fewer turns than chance by 1.4 standard deviations at most, dialogues .27
and 3.2 at least.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from librosa.feature import mfcc

Floats = npt.NDArray[np.float64]

#: Seconds of one window.
WINDOW_S = 1.0
#: Voiced frames that a window needs.
MIN_VOICED = 30
#: Windows below which nothing can be said.
MIN_WINDOWS = 12
#: Windows compared at most; more of them are averaged in groups.
MAX_WINDOWS = 300
#: Thresholds above which two groups count as two voices.
MIN_SILHOUETTE, MIN_SHARE, MAX_RUNS_Z = 0.22, 0.2, -2.0
#: MFCCs kept: the first is loudness and left out.
MFCC = slice(1, 14)
HOP_S = 0.01
#: Least scatter along an axis, as a share of the greatest.
MIN_SCATTER = 1e-3


class Timbre:
    """Means and scatter of timbre per window, collected block by block.

    Args:
        rate: Hz of the samples that will be added.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sums: dict[int, Floats] = {}
        self._squares: dict[int, Floats] = {}
        self._counts: dict[int, int] = {}

    def add(self, samples: npt.NDArray[np.float32], offset: float, times: Floats, pitch: Floats) -> None:
        """Add a block.

        Args:
            samples: mono.
            offset: second of the recording at which they begin.
            times: of the pitch frames, in seconds from the beginning of the samples.
            pitch: Hz; 0 where unvoiced.
        """
        voiced = pitch > 0
        if not voiced.any():
            return
        hop = max(1, round(HOP_S * self._rate))
        cepstrum = mfcc(y=samples, sr=self._rate, n_mfcc=MFCC.stop, n_fft=max(256, 4 * hop), hop_length=hop, n_mels=40)
        frames = np.clip(np.round(times[voiced] * self._rate / hop).astype(int), 0, cepstrum.shape[1] - 1)
        rows = cepstrum[MFCC, frames].T.astype(np.float64)
        windows = ((times[voiced] + offset) // WINDOW_S).astype(int)
        for window in np.unique(windows):
            part = rows[windows == window]
            zero = np.zeros(part.shape[1])
            self._sums[window] = self._sums.get(window, zero) + part.sum(axis=0)
            self._squares[window] = self._squares.get(window, np.outer(zero, zero)) + part.T @ part
            self._counts[window] = self._counts.get(window, 0) + len(part)

    def voices(self) -> dict[str, Any]:
        """What can be said of the number of voices.

        Returns:
            `severalLikely` (None where the recording is too short to say), `why`, and the measures behind it.
        """
        windows = [w for w in sorted(self._counts) if self._counts[w] >= MIN_VOICED]
        if len(windows) < MIN_WINDOWS:
            return {"severalLikely": None, "why": "too little speech to tell whether one or more people speak"}
        points = self._points(windows)
        groups = _two_groups(points)
        share = float(min(groups.mean(), 1 - groups.mean()))
        silhouette, z = _silhouette(points, groups), _runs_z(groups)
        several = silhouette >= MIN_SILHOUETTE and share >= MIN_SHARE and z <= MAX_RUNS_Z
        why = (
            "the voice falls into two groups of timbre that take turns: probably more than one person speaks, and "
            "they cannot be told apart here"
            if several
            else "one timbre, or changes as chance has them"
        )
        return {
            "severalLikely": bool(several),
            "why": why,
            "silhouette": round(silhouette, 3),
            "minorityShare": round(share, 3),
            "turnsZ": round(z, 2),
        }

    def _points(self, windows: list[int]) -> Floats:
        """Window means in units of the scatter within windows, shape (windows, dimensions)."""
        means = np.array([self._sums[w] / self._counts[w] for w in windows])
        scatter = np.zeros((means.shape[1], means.shape[1]))
        for w, mean in zip(windows, means, strict=True):
            scatter += self._squares[w] - self._counts[w] * np.outer(mean, mean)
        scatter /= sum(self._counts[w] for w in windows)
        sizes, axes = np.linalg.eigh(scatter)
        # A synthetic voice may not vary at all along an axis, which rounding would then blow up.
        whitening = axes / np.sqrt(np.maximum(sizes, MIN_SCATTER * sizes[-1]))
        group = math.ceil(len(windows) / MAX_WINDOWS)
        whole = len(means) // group * group
        grouped: Floats = means[:whole].reshape(-1, group, means.shape[1]).mean(axis=1) @ whitening
        return grouped


def _two_groups(points: Floats) -> npt.NDArray[np.bool_]:
    """K-means with two centres, begun from the sign of the first principal component, hence always the same."""
    centred = points - points.mean(axis=0)
    groups: npt.NDArray[np.bool_] = centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0
    for _ in range(50):
        if groups.all() or not groups.any():
            break
        near, far = (np.square(points - points[side].mean(axis=0)).sum(axis=1) for side in (groups, ~groups))
        moved = near < far
        if (moved == groups).all():
            break
        groups = moved
    return groups


def _silhouette(points: Floats, groups: npt.NDArray[np.bool_]) -> float:
    if min(groups.sum(), (~groups).sum()) < 2:
        return 0.0
    distances = np.sqrt(np.square(points[:, None] - points[None]).sum(axis=2))
    same = groups[:, None] == groups[None]
    own = (distances * same).sum(axis=1) / (same.sum(axis=1) - 1)
    other = (distances * ~same).sum(axis=1) / (~same).sum(axis=1)
    return float(np.mean((other - own) / np.maximum(own, other)))


def _runs_z(groups: npt.NDArray[np.bool_]) -> float:
    """How many standard deviations fewer (negative) or more turns there are than chance gives."""
    ones, n = int(groups.sum()), len(groups)
    product = 2 * ones * (n - ones)
    expected = 1 + product / n
    variance = product * (product - n) / (n * n * (n - 1))
    runs = 1 + int((groups[1:] != groups[:-1]).sum())
    return float((runs - expected) / math.sqrt(variance)) if variance > 0 else 0.0
