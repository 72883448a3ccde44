"""Rates with 95 % intervals."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev

_Z = 1.959964


def wilson(count: int, total: int) -> tuple[float, float]:
    """Interval of a share, 0 to 1 (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    if total == 0:
        return 0.0, 1.0
    share = count / total
    centre = share + _Z**2 / (2 * total)
    margin = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)


def byar(count: int) -> tuple[float, float]:
    """Interval of a Poisson mean by Byar's approximation (Breslow & Day 1987, p. 69)."""
    low = count * (1 - 1 / (9 * count) - _Z / (3 * sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return low, more * (1 - 1 / (9 * more) + _Z / (3 * sqrt(more))) ** 3


def mean_interval(values: list[int]) -> tuple[float, float, float, float]:
    """(mean, standard deviation, low, high) of measured values; the interval is the mean's."""
    mean = fmean(values)
    spread = stdev(values) if len(values) > 1 else 0.0
    margin = _Z * spread / sqrt(len(values))
    return mean, spread, mean - margin, mean + margin
