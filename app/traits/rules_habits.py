"""Habits of writing: what a person does more (or less) than others of their register, each with instances.

A habit is proposed when its rate very likely lies beyond the quarter of the norm group that does it most (or least), when the measure is
reliable at this length of text (`app.traits.norms`), and when at least three whole sentences show it. No norm group, no "often".

Punctuation of speech is the transcriber's, so spoken texts get word habits alone. Habits that changed between the eras of the norm
groups are compared within the era; a modern letter is compared with early letters and with modern essays in everything else, and the
comparison that is less flattering to the claim is the one shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.layers import Span
from app.traits.norms import Comparison, Group, group
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, Register, TraitCategory

#: Own words below which nothing is proposed, and below which the description asks for caution (traits.md section 1).
LEAST_WORDS, CAUTION_WORDS = 100, 350
#: Probability of lying beyond the norm group's outer quarter from which a habit is proposed.
SURE = 0.7
#: Standard deviations from the group's mean, shrunk, from which it stands out.
STANDS_OUT = 0.8
#: Marks and readable instances that a habit needs.
LEAST_COUNT, LEAST_INSTANCES = 5, 3
#: Times in 1,000 words, or in 100 sentences, below which nobody would call it a habit, however few others have it.
LEAST_RATE = 0.5
MOST_EVIDENCE, MOST_COUNTER = 5, 2
#: Habits proposed of one text.
MOST = 10
#: First-person pronouns in 100 own words that a text of unknown authorship needs. The lowest of 117 authors of letters, blogs
#: and talk in the English norm groups has 1.9, of 40 in chat 1.2; encyclopaedic prose, court records and most verse have less.
#: Spanish leaves the pronoun to the verb: its lowest of 6 authors has .5.
FIRST_PERSON = {"es": 0.5}
FIRST_PERSON_CHAT, FIRST_PERSON_ELSEWHERE = 1.0, 1.5

_LINGUISTIC = TraitCategory.LINGUISTIC_STYLE
_COMMUNICATION = TraitCategory.COMMUNICATION_STYLE
_EMOTIONAL = TraitCategory.EMOTIONAL_RESPONSE_PATTERN


@dataclass(frozen=True, slots=True)
class Habit:
    """A rule.

    Attributes:
        key: of the counted habit.
        name: what the person would say about themselves.
        counted: what is counted, as the description says it.
        category: `traitCategory`.
        specificity: 0 to 1, how much it says about this person rather than about anybody.
        family: habits that say much the same; one of a family is proposed.
        low: it is the small rate that stands out.
        shown_by: key whose instances are the evidence; its own where empty.
        against: key whose instances are counter-evidence.
        era: it depends on the era of writing.
        sign: it is a matter of punctuation or spelling.
        modern: in early prints it is the editor's, not the writer's.
    """

    key: str
    name: str
    counted: str
    category: TraitCategory = _LINGUISTIC
    specificity: float = 0.5
    family: str = ""
    low: bool = False
    shown_by: str = ""
    against: str = ""
    era: bool = False
    sign: bool = False
    modern: bool = False


HABITS: tuple[Habit, ...] = (
    Habit("questions", "Asks a lot of questions", "questions", _COMMUNICATION, 0.7, "asking"),
    Habit("exclamations", "Uses many exclamation marks", "exclamations", _EMOTIONAL, 0.5, "warmth", era=True, sign=True),
    Habit("emoji", "Uses emoji and smileys", "emoji or smileys", _EMOTIONAL, 0.5, "smiles", era=True, sign=True),
    Habit("humour", "Laughs in writing: haha, lol", "laughs such as haha or lol", _EMOTIONAL, 0.6, "smiles", era=True),
    Habit("ellipses", "Lets sentences trail off ...", "runs of dots", specificity=0.5, family="pauses", era=True, sign=True, modern=True),
    Habit("dashes", "Breaks sentences with dashes", "dashes", specificity=0.4, family="pauses", era=True, sign=True),
    Habit("parentheses", "Adds asides in brackets", "bracketed asides", specificity=0.6, era=True, sign=True),
    Habit("semicolons", "Joins thoughts with semicolons", "semicolons", specificity=0.4, era=True, sign=True),
    Habit(
        "sentence_length", "Writes long, winding sentences", "", specificity=0.5, family="size", against="lowInstances",
        era=True, sign=True,
    ),
    Habit(
        "sentence_length", "Writes short sentences", "", specificity=0.5, family="size", low=True,
        shown_by="lowInstances", against="instances", era=True, sign=True,
    ),
    Habit("message_length", "Sends long messages", "", _COMMUNICATION, 0.5, "size"),
    Habit("message_length", "Sends short messages", "", _COMMUNICATION, 0.5, "size", low=True, shown_by="lowInstances"),
    Habit("long_words", "Likes long words", "words of seven letters or more", specificity=0.35, family="words", era=True),
    Habit("numbers", "Gives exact figures", "figures in digits", _COMMUNICATION, 0.5, era=True, sign=True),
    Habit("loose_starts", "Starts sentences with and, but, so", "sentences that begin with and, but, so or because", sign=True),
    Habit(
        "contractions", "Contracts words: don't, it's", "contracted forms", specificity=0.35, family="contracting",
        era=True, sign=True,
    ),
    Habit(
        "contractions", "Writes words out: do not", "contracted forms", specificity=0.45, family="contracting", low=True,
        shown_by="full_forms", against="contractions", era=True, sign=True,
    ),
    Habit(
        "requests_direct", "Tells readers directly what to do", "direct requests", _COMMUNICATION, 0.5, "asking",
        sign=True,
    ),
    Habit("requests_polite", "Asks politely: could you, would you", "polite requests", _COMMUNICATION, 0.6, "polite"),
    Habit("please", "Says please a lot", "words of asking such as please", _COMMUNICATION, 0.6, "polite"),
    Habit("thanks", "Thanks people often", "words of thanks", _COMMUNICATION, 0.7),
    Habit("apologies", "Says sorry often", "words such as sorry", _COMMUNICATION, 0.6),
    Habit("hedges", "Hedges: perhaps, I think, probably", "hedges", _COMMUNICATION, 0.6, "stance", against="certainty"),
    Habit("opinions", "Marks opinions as own: I think", "phrases such as I think", _COMMUNICATION, 0.5, "stance"),
    Habit("certainty", "Stresses certainty: indeed, of course", "words of certainty", _COMMUNICATION, 0.6, against="hedges"),
    Habit("absolutes", "Speaks in always and never", "words such as always and never", specificity=0.6, against="hedges"),
    Habit("intensifiers", "Stresses things: very, really", "words of stress such as very", specificity=0.5, era=True),
    Habit("similes", "Likes comparisons: like a, as if", "comparisons", specificity=0.7),
    Habit("causal", "Gives reasons: because, therefore", "words that give a reason", _COMMUNICATION, 0.6),
    Habit("contrast", "Sets one thing against another", "words of contrast such as but", _COMMUNICATION, 0.5),
    Habit("conditionals", "Thinks in ifs", "conditions such as if", _COMMUNICATION, 0.6),
    Habit("examples", "Explains with examples", "words that bring an example", _COMMUNICATION, 0.6),
    Habit("sequence", "Tells things in order: first, then", "words of order such as and then", _COMMUNICATION, 0.5),
    Habit("duty", "Speaks of what should be done", "words of duty such as must", _COMMUNICATION, 0.6),
    Habit("wishes", "Voices hopes and wishes", "phrases such as I hope", _EMOTIONAL, 0.6),
    Habit("remembering", "Looks back: I remember", "phrases such as I remember", _COMMUNICATION, 0.6),
    Habit("affection", "Shows affection in words", "words of affection", _EMOTIONAL, 0.75, "warmth"),
    Habit("positive_feeling", "Has many words of joy and warmth", "words of good feeling", _EMOTIONAL, 0.5, "warmth"),
    Habit("senses", "Describes colours, light and sounds", "words for light, colour, sound or touch", specificity=0.7),
    Habit("fillers", "Says you know and I mean", "phrases such as you know", _COMMUNICATION, 0.5),
    Habit("first_plural", "Says we more than others do", "forms of we", _COMMUNICATION, 0.5),
    Habit("second_person", "Speaks to the reader directly", "forms of you", _COMMUNICATION, 0.6, "asking"),
)  # fmt: skip


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
    register, language, modern = features["register"], features["language"], features["era"] == "modern"
    early, late = group(Register.LETTERS_DIARIES, language), group(Register.ESSAY_BLOG, language)
    if register in {Register.LETTERS_DIARIES, Register.ESSAY_BLOG}:
        if not modern:
            chosen = [early]
        elif register == Register.ESSAY_BLOG or habit.era:
            chosen = [late]
        else:
            chosen = [early, late]
    else:
        chosen = [group(register, language)]
    return [one for one in chosen if one is not None]


def _stands_out(habit: Habit, features: Mapping[str, Any]) -> Comparison | None:
    """The comparison that speaks for a habit least, where even that one stands out."""
    figures = features["habits"].get(habit.key)
    if figures is None or (habit.sign and features["register"] == Register.SPEECH):
        return None
    if habit.modern and features["era"] != "modern":
        return None
    marks = features["habits"].get(habit.shown_by, figures)["count"] if habit.low else figures["count"]
    if not habit.low and figures["rate"] < LEAST_RATE:
        return None
    if marks < LEAST_COUNT or len(_instances(features, habit)) < LEAST_INSTANCES:
        return None
    compared = [
        one.compare(habit.key, figures["rate"], figures["interval"], features["ownWords"])
        for one in _groups(habit, features)
    ]
    if not compared or any(one is None or not _beyond(habit, one) for one in compared):
        return None
    return min((one for one in compared if one), key=lambda one: abs(one.z_shrunk))


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
    pool = fresh if len(fresh) >= LEAST_INSTANCES else [*instances]
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
        occurrences=features["habits"][habit.shown_by]["count"] if habit.shown_by in features["habits"] else figures["count"],
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


def names() -> Iterable[str]:
    """Every trait name these rules can give."""
    return (habit.name for habit in HABITS)
