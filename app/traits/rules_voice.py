"""Rules that read `audio.prosody`: what a recording shows of how somebody speaks.

There is no norm for pace, pauses or melody here that was measured as this project measures them, so no rule says
"fast", "often" or "lively". A rule claims only what can be heard in the recording itself, points to the seconds, and
says that it describes that recording: a cold, a lecture or a tired evening sound the same as a lasting habit. Voice
quality says nothing about a person, and no feeling is read from phonation (traits.md, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from statistics import NormalDist
from typing import Any

from app.layers import Span
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory

#: Seconds of speech below which nothing is proposed: a sentence read aloud, digits, a greeting.
MIN_SPEECH_S = 15.0
#: Recordings of other people, or of several, say nothing about this one.
NOT_THE_PERSON = frozenset({Authorship.OTHER, Authorship.MIXED, Authorship.FICTION})
#: One recording is one occasion: however clear it sounds, it is not certain that it is a habit.
MAX_CERTAINTY = 0.7
#: Spread of the pace between stretches (standard deviation of its logarithm, sampling error taken out) and ratio of
#: the fastest to the slowest from which somebody "changes pace". Listeners notice 5 % (Quené 2007, doi
#: 10.1016/j.wocn.2006.09.001), and everybody varies by more than that.
MIN_PACE_SPREAD, MIN_PACE_RATIO = 0.15, 1.3
#: Probability of the seen differences in pace if there were none, at most.
MAX_CHANCE = 0.05
#: Pauses of a second or more, and their share of the time, from which they are a mark of the recording.
MIN_LONG_PAUSES, MIN_LONG_SHARE = 4, 0.1
#: Seconds without a pause that make a long run, how many of them, and what share of the speech lies in them.
LONG_RUN_S, MIN_LONG_RUNS, MIN_RUN_SHARE = 8.0, 3, 0.5
#: dB between speech and noise below which pauses drown, so that speech seems unbroken.
MIN_SNR_DB = 20.0
#: Pieces of evidence of one claim.
MAX_EVIDENCE = 5

ONE_RECORDING = "This describes one recording; no norm to compare it with is at hand."


def signals(measured: Measured) -> Iterable[Signal]:
    """What a recording shows; nothing where it is short, not the person's, or holds several voices."""
    speech = measured.features["speech"]
    if measured.authorship in NOT_THE_PERSON or speech["speechSeconds"] < MIN_SPEECH_S:
        return []
    if measured.features["speakers"]["severalLikely"] is not False:
        return []
    return [*_pace(measured, speech), *_long_pauses(measured, speech), *_unbroken(measured, speech)]


def _pace(measured: Measured, speech: dict[str, Any]) -> Iterator[Signal]:
    """Between-stretch spread of the pace, after DerSimonian and Laird (1986, doi 10.1016/0197-2456(86)90046-2)."""
    stretches = sorted((s for s in speech["stretches"] if s["syllables"]), key=lambda s: s["rate"])
    if len(stretches) < 2:
        return
    spread, chance = _heterogeneity(stretches, speech["syllableIntervalCv"])
    slow, fast = stretches[0], stretches[-1]
    ratio = fast["rate"] / slow["rate"]
    if spread < MIN_PACE_SPREAD or ratio < MIN_PACE_RATIO or chance > MAX_CHANCE:
        return
    pairs = min(2, len(stretches) // 2)
    evidence = [_labelled(s, "fast stretch") for s in stretches[: -1 - pairs : -1]]
    evidence += [_labelled(s, "slow stretch") for s in stretches[:pairs]]
    yield _signal(
        measured,
        key="voice:pace:changing",
        name="Changes pace while speaking",
        description=(
            f"The pace goes from {slow['rate']:.1f} syllables a second (95 % interval {_range(slow['interval'])}) to "
            f"{fast['rate']:.1f} ({_range(fast['interval'])}), {ratio:.1f} times as fast, in {len(stretches)} "
            f"stretches with {speech['speechSeconds']:.0f} seconds of speech. {ONE_RECORDING}"
        ),
        evidence=tuple(evidence),
        certainty=min(MAX_CERTAINTY, 1 - chance),
        occurrences=len(stretches),
        notes={"slowest": slow["rate"], "fastest": fast["rate"], "ratio": round(ratio, 2), "chance": round(chance, 4)},
    )


def _heterogeneity(stretches: list[dict[str, Any]], cv: float) -> tuple[float, float]:
    """Standard deviation of log pace between stretches, and the probability of what was seen if there were none."""
    rates = [math.log(s["rate"]) for s in stretches]
    weights = [s["syllables"] / cv**2 for s in stretches]
    total, df = sum(weights), len(stretches) - 1
    mean = sum(w * r for w, r in zip(weights, rates, strict=True)) / total
    q = sum(w * (r - mean) ** 2 for w, r in zip(weights, rates, strict=True))
    variance = max(0.0, (q - df) / (total - sum(w * w for w in weights) / total))
    # Wilson and Hilferty's normal approximation to the chi-squared distribution.
    z = ((q / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return math.sqrt(variance), 1 - NormalDist().cdf(z)


def _long_pauses(measured: Measured, speech: dict[str, Any]) -> Iterator[Signal]:
    pauses = speech["pauses"]
    count, span = pauses["longCount"], speech["endTime"] - speech["startTime"]
    if count < MIN_LONG_PAUSES or pauses["longSeconds"] < MIN_LONG_SHARE * span:
        return
    low, high = (60 * bound / span for bound in _count_interval(count))
    spans = [Span.from_json(p) for p in pauses["long"]]
    yield _signal(
        measured,
        key="voice:pauses:long",
        name="Leaves long pauses while speaking",
        description=(
            f"{count} pauses of a second or more, {60 * count / span:.1f} a minute (95 % interval "
            f"{_range((low, high))}), take {pauses['longSeconds'] / span:.0%} of {span:.0f} seconds of talk. "
            f"{ONE_RECORDING}"
        ),
        evidence=tuple(spans[:MAX_EVIDENCE]),
        certainty=MAX_CERTAINTY,
        occurrences=count,
        notes={"pauses": count, "perMinute": round(60 * count / span, 2)},
    )


def _unbroken(measured: Measured, speech: dict[str, Any]) -> Iterator[Signal]:
    snr = measured.features["quality"]["snrDb"]
    spans = [Span.from_json(run) for run in speech["runs"]["longest"]]
    long = [span for span in spans if _seconds(span) >= LONG_RUN_S]
    inside = sum(_seconds(span) for span in long)
    if len(long) < MIN_LONG_RUNS or inside < MIN_RUN_SHARE * speech["speechSeconds"] or snr is None or snr < MIN_SNR_DB:
        return
    low, high = _count_interval(len(long))
    minutes = (speech["endTime"] - speech["startTime"]) / 60
    yield _signal(
        measured,
        key="voice:runs:long",
        name="Speaks in long unbroken stretches",
        description=(
            f"{len(long)} stretches of {LONG_RUN_S:.0f} seconds or more without a pause, the longest "
            f"{_seconds(long[0]):.0f} seconds, {len(long) / minutes:.1f} a minute (95 % interval "
            f"{_range((low / minutes, high / minutes))}), hold {inside / speech['speechSeconds']:.0%} of "
            f"{speech['speechSeconds']:.0f} seconds of speech. {ONE_RECORDING}"
        ),
        evidence=tuple(long[:MAX_EVIDENCE]),
        certainty=MAX_CERTAINTY,
        occurrences=len(long),
        notes={"stretches": len(long), "longestSeconds": round(_seconds(long[0]), 1)},
    )


def _signal(measured: Measured, **fields: Any) -> Signal:  # noqa: ANN401 - the fields of Signal
    speech_s = measured.features["speech"]["speechSeconds"]
    notes = {"speechSeconds": float(speech_s), **fields.pop("notes")}
    return Signal(
        category=TraitCategory.COMMUNICATION_STYLE,
        claim_kind=ClaimKind.OBSERVED,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        notes=notes,
        **fields,
    )


def _labelled(stretch: dict[str, Any], label: str) -> Span:
    return Span.from_json({**stretch["span"], "label": label})


def _seconds(span: Span) -> float:
    return (span.end_time or 0.0) - (span.start_time or 0.0)


def _range(bounds: Iterable[float]) -> str:
    return "-".join(f"{bound:.1f}" for bound in bounds)


def _count_interval(count: int) -> tuple[float, float]:
    """95 % bounds of a Poisson count, Byar's approximation."""
    low = count * (1 - 1 / (9 * count) - 1.96 / (3 * math.sqrt(count))) ** 3
    above = count + 1
    return low, above * (1 - 1 / (9 * above) + 1.96 / (3 * math.sqrt(above))) ** 3
