"""Habits of writing: what a person does more (or less) than others of their register, each with instances.

A habit is proposed when its rate very likely lies beyond that of three quarters of the norm group, when the measure is
reliable at this length of text (`app.traits.norms`), and when at least three whole sentences show it. No norm group, no
"often".

Punctuation of speech is the transcriber's, so spoken texts get word habits alone. Habits that changed between the eras
of the norm groups are compared within the era; a modern letter is held against modern essays and early letters in
everything else, and the comparison that speaks less for the claim is the one shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.layers import Span
from app.traits.habits import HABITS, Habit
from app.traits.norms import Comparison, Group, group
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, Register

#: Own words below which nothing is proposed, and below which the description asks for caution (traits.md section 1).
LEAST_WORDS, CAUTION_WORDS = 100, 350
#: Probability of lying beyond the norm group's outer quarter from which a habit is proposed.
SURE = 0.7
#: Standard deviations from the group's mean, shrunk, from which it stands out.
STANDS_OUT = 0.75
#: Marks and readable instances that a habit needs.
LEAST_COUNT, LEAST_INSTANCES = 5, 3
#: Times in 1,000 words, or in 100 sentences, below which nobody would call it a habit, however few others have it.
LEAST_RATE = 0.5
MOST_EVIDENCE, MOST_COUNTER = 5, 2
#: Habits proposed of one text.
MOST = 10
#: First-person pronouns in 100 own words that a text of unknown authorship needs. The lowest of 117 authors of letters,
#: blogs and talk in the English norm groups has 1.9, of 40 in chat 1.2; encyclopaedic prose and reports have fewer.
#: Spanish leaves the pronoun to the verb: the lowest of its 6 authors has .5.
FIRST_PERSON = {"es": 0.5}
FIRST_PERSON_CHAT, FIRST_PERSON_ELSEWHERE = 1.0, 1.5


def signals(measured: Measured) -> Iterator[Signal]:
    """Habits that stand out in a text's style, best first, at most `MOST`."""
    features = measured.features
    if not _may_speak(features, measured.authorship):
        return
    found: list[tuple[float, Habit, Comparison]] = []
    for habit in HABITS:
        comparison = _stands_out(habit, features)
        if comparison is not None:
            found.append((_worth(habit, comparison), habit, comparison))
    families: set[str] = set()
    shown: set[int] = set()
    proposed = 0
    for _, habit, comparison in sorted(found, key=lambda row: -row[0]):
        if proposed == MOST or (habit.family and habit.family in families):
            continue
        evidence = _evidence(_instances(features, habit), shown)
        families.add(habit.family)
        proposed += 1
        yield _signal(measured, habit, comparison, evidence)


def _may_speak(features: Mapping[str, Any], authorship: Authorship) -> bool:
    """Whether the text is the person's, and enough of it."""
    if authorship in {Authorship.OTHER, Authorship.FICTION} or features["ownWords"] < LEAST_WORDS:
        return False
    if authorship is not Authorship.UNKNOWN:
        return True
    chat = features["register"] == Register.CHAT
    least = FIRST_PERSON.get(features["language"], FIRST_PERSON_CHAT if chat else FIRST_PERSON_ELSEWHERE)
    return bool(features["firstPerson"] >= least)


def _groups(habit: Habit, features: Mapping[str, Any]) -> list[Group]:
    """The norm groups that a habit is held against."""
    register, language, era = features["register"], features["language"], features["era"]
    if register not in {Register.LETTERS_DIARIES, Register.ESSAY_BLOG}:
        chosen = [group(register, language)]
    elif era == "modern":
        late = group(Register.ESSAY_BLOG, language)
        both = register == Register.LETTERS_DIARIES and not habit.era
        chosen = [late, group(Register.LETTERS_DIARIES, language)] if both else [late]
    elif era == "early" or not habit.era:
        chosen = [group(Register.LETTERS_DIARIES, language)]
    else:
        chosen = []
    return [one for one in chosen if one is not None]


def _stands_out(habit: Habit, features: Mapping[str, Any]) -> Comparison | None:
    """The comparison that speaks for a habit least, where even that one stands out."""
    figures = features["habits"].get(habit.key)
    if figures is None or _says_nothing(habit, features):
        return None
    if not habit.low and figures["rate"] < LEAST_RATE:
        return None
    marks = features["habits"].get(habit.shown_by, figures)["count"] if habit.low else figures["count"]
    if marks < LEAST_COUNT or len(_instances(features, habit)) < LEAST_INSTANCES:
        return None
    compared = [
        one.compare(habit.key, figures["rate"], figures["interval"], features["ownWords"])
        for one in _groups(habit, features)
    ]
    if not compared or any(one is None or not _beyond(habit, one) for one in compared):
        return None
    return min((one for one in compared if one), key=lambda one: abs(one.z_shrunk))


def _says_nothing(habit: Habit, features: Mapping[str, Any]) -> bool:
    """Whether the kind of text explains a habit by itself."""
    return bool(
        (habit.sign and features["register"] == Register.SPEECH)
        or (habit.modern and features["era"] != "modern")
        or (habit.unaddressed and features["addressed"])
    )


def _beyond(habit: Habit, comparison: Comparison) -> bool:
    towards = -comparison.z_shrunk if habit.low else comparison.z_shrunk
    return comparison.reliable and towards >= STANDS_OUT and _certainty(habit, comparison) >= SURE


def _certainty(habit: Habit, comparison: Comparison) -> float:
    return comparison.below if habit.low else comparison.above


def _worth(habit: Habit, comparison: Comparison) -> float:
    return _certainty(habit, comparison) * min(abs(comparison.z_shrunk), 3.0) * habit.specificity


def _instances(features: Mapping[str, Any], habit: Habit) -> Sequence[Mapping[str, Any]]:
    """Spans that show a habit."""
    return _spans(features, habit, habit.shown_by) if habit.shown_by else features["habits"][habit.key]["instances"]


def _spans(features: Mapping[str, Any], habit: Habit, source: str) -> Sequence[Mapping[str, Any]]:
    """Spans of another habit, or of the same measure's other end."""
    if source in {"instances", "lowInstances"}:
        return features["habits"][habit.key].get(source, [])  # type: ignore[no-any-return]  # JSON
    return features["habits"].get(source, {}).get("instances", [])  # type: ignore[no-any-return]  # JSON


def _evidence(instances: Sequence[Mapping[str, Any]], shown: set[int]) -> tuple[Span, ...]:
    """Up to five instances, spread over the text, those first that no other habit has shown yet."""
    fresh = [span for span in instances if span["start"] not in shown]
    repeated = [span for span in instances if span["start"] in shown][: max(LEAST_INSTANCES - len(fresh), 0)]
    pool = sorted([*fresh, *repeated], key=lambda span: int(span["start"]))
    step = max(len(pool) / MOST_EVIDENCE, 1.0)
    chosen = [pool[int(index * step)] for index in range(min(MOST_EVIDENCE, len(pool)))]
    shown.update(span["start"] for span in chosen)
    return tuple(Span.from_json(dict(span)) for span in chosen)


def _signal(measured: Measured, habit: Habit, comparison: Comparison, evidence: tuple[Span, ...]) -> Signal:
    features = measured.features
    figures = features["habits"][habit.key]
    counter = _spans(features, habit, habit.against)[:MOST_COUNTER] if habit.against else ()
    return Signal(
        key=f"habit:{habit.key}:{'low' if habit.low else 'high'}",
        name=habit.name,
        description=describe(habit, figures, comparison, features["ownWords"]),
        category=habit.category,
        claim_kind=ClaimKind.OBSERVED,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        evidence=evidence,
        counter=tuple(Span.from_json(dict(span)) for span in counter),
        certainty=round(_certainty(habit, comparison), 4),
        distance=round(abs(comparison.z_shrunk), 3),
        specificity=habit.specificity,
        occurrences=features["habits"][habit.shown_by]["count"]
        if habit.shown_by in features["habits"]
        else figures["count"],
        own_words=features["ownWords"],
        notes={
            "rate": round(figures["rate"], 2),
            "norm mean": round(comparison.mean, 2),
            "distance from the norm (SD)": round(comparison.z, 2),
            "reliability at this length": round(comparison.reliability, 2),
        },
    )


def describe(habit: Habit, figures: Mapping[str, Any], comparison: Comparison, own_words: int) -> str:
    """The measured figure, its interval, what it was compared with, and how much text it rests on."""
    low, high = (_figure(bound) for bound in figures["interval"])
    unit = figures["unit"]
    if unit == "words":
        what = f"{_figure(figures['rate'])} words a {habit.key.partition('_')[0]}"
    else:
        amount = unit.replace("1000", "1,000")
        what = f"{_figure(figures['rate'])} {habit.counted} in {amount}"
    text = (
        f"{what} (95 % interval {low} to {high}); {comparison.group.label}, have {_figure(comparison.mean)}; "
        f"from {own_words:,} own words."
    )
    return f"{text} This is little text: take it with caution." if own_words < CAUTION_WORDS else text


def _figure(value: float) -> str:
    """Two significant digits are as many as such a measurement bears."""
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
