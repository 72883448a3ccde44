"""Rules that read `text.facts`: what a person says of themselves becomes a candidate in their own words.

A fact is stated, not inferred: its certainty is how plainly and how often it is said. Facts about one thing are one
candidate, whichever verb they came with ("love", "am fond of"); what speaks against it is kept beside it. An "I" of
unknown authorship is believed only where the text is a first person's own prose.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from wordfreq import zipf_frequency

from app.layers import Span, TextLayer
from app.traits.facts_names import fact_name
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory

#: The person said that somebody else, or nobody real, speaks.
NOT_THE_PERSON = frozenset({Authorship.OTHER, Authorship.FICTION})
#: Strength below which a statement is kept as a feature and not proposed: hedged, or said with a grin.
LEAST_STRENGTH = 0.6
#: The same for health, sexuality, religion and politics: plainly said or not at all.
LEAST_SENSITIVE = 0.75
#: What each further place where it is said adds to the certainty, how often at most, and where it ends.
PER_PLACE, MOST_PLACES, MOST_CERTAIN = 0.05, 3, 0.97
#: Pieces of evidence of one claim, and code points of one piece.
MAX_EVIDENCE, MAX_QUOTE = 5, 400
#: Places that a passing mention needs before it is a fact ("my brother"), and statements that say little once.
PLACES_NEEDED = {"affection": 3, "admission": 3, "gratitude": 3}
#: Signals of one kind from one text.
MOST_OF_A_KIND = {"family": 3, "studies": 3, "like": 6, "habit": 3, "pet": 2, "self": 5}
MENTIONED, SPOKEN_OF = 0.7, "speaks of own"

#: Of kinds that are not `Other`.
CATEGORY = {
    "like": TraitCategory.INTEREST,
    "pet": TraitCategory.INTEREST,
    "possession": TraitCategory.INTEREST,
    "skill": TraitCategory.SKILL,
    "studies": TraitCategory.KNOWLEDGE_DOMAIN,
    "belief": TraitCategory.PHILOSOPHICAL_STANCE,
    "value": TraitCategory.PHILOSOPHICAL_STANCE,
    "habit": TraitCategory.BEHAVIORAL_PATTERN,
    "diet": TraitCategory.BEHAVIORAL_PATTERN,
    "self": TraitCategory.BEHAVIORAL_PATTERN,
    "admission": TraitCategory.BEHAVIORAL_PATTERN,
    "fear": TraitCategory.EMOTIONAL_RESPONSE_PATTERN,
    "affection": TraitCategory.COMMUNICATION_STYLE,
    "gratitude": TraitCategory.COMMUNICATION_STYLE,
}
#: How much a fact of that kind says about this person rather than about anybody.
_TELLING = {
    "occupation": 0.9,
    "goal": 0.9,
    "value": 0.9,
    "self": 0.85,
    "belief": 0.85,
    "like": 0.85,
    "fear": 0.8,
    "skill": 0.8,
    "habit": 0.75,
    "studies": 0.7,
    "identity": 0.8,
    "employer": 0.7,
    "diet": 0.7,
    "residence": 0.6,
    "origin": 0.6,
    "health": 0.6,
    "pet": 0.55,
    "possession": 0.55,
    "admission": 0.7,
    "gratitude": 0.7,
    "affection": 0.6,
    "family": 0.45,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One fact of the features.

    Attributes:
        kind: of fact.
        predicate: our word for what is said.
        shown: the object, with its capitals.
        lemma: what it counts as.
        affirmed: whether it is affirmed.
        tense: present, perfect or past.
        strength: how plainly it is said.
        date: of the segment, or None.
        sensitive: a special category of personal data.
        sentence: where it is said.
        focus: where its object stands.
    """

    kind: str
    predicate: str
    shown: str
    lemma: str
    affirmed: bool
    tense: str
    strength: float
    date: str | None
    sensitive: bool
    sentence: Span
    focus: Span

    @classmethod
    def read(cls, doc: dict[str, Any]) -> Statement:
        """From `extractedFeatures.facts`."""
        return cls(
            kind=doc["kind"],
            predicate=doc["predicate"],
            shown=doc["shown"],
            lemma=doc["lemma"],
            affirmed=doc["polarity"] == "affirmed",
            tense=doc["tense"],
            strength=doc["strength"],
            date=doc["date"],
            sensitive=doc["sensitive"],
            sentence=Span.from_json(doc["sentence"]),
            focus=Span.from_json(doc["object"]),
        )


def signals(measured: Measured) -> Iterable[Signal]:
    """What the person states, one signal a thing; nothing where the voice is not theirs."""
    layer = measured.layer
    if layer is None or measured.authorship in NOT_THE_PERSON:
        return
    believed = _believed(measured)
    groups: dict[str, list[Statement]] = defaultdict(list)
    for doc in measured.features["facts"]:
        statement = Statement.read(doc)
        if believed is None or statement.kind in believed:
            groups[f"fact:{statement.kind}:{statement.lemma}"].append(statement)
    found = [signal for key, statements in groups.items() for signal in _signal(measured, layer, key, statements)]
    yield from _fewer(found)


def _fewer(found: list[Signal]) -> Iterator[Signal]:
    """The best of each kind: ten likings of one text say less than four."""
    taken: Counter[str] = Counter()
    for signal in sorted(found, key=lambda s: -s.certainty * s.specificity):
        kind = signal.key.split(":")[1]
        taken[kind] += 1
        if taken[kind] <= MOST_OF_A_KIND.get(kind, 4):
            yield signal


def _believed(measured: Measured) -> frozenset[str] | None:
    """Kinds of fact that may be believed; None for all.

    Someone who says "thou" to themselves or to God speaks of duties more than of facts; only what they owe to others is
    plain.
    """
    if measured.authorship is Authorship.SELF:
        return None
    genre = measured.features["voice"]["genre"]
    if genre == "first_person":
        return None
    return frozenset({"gratitude"}) if genre == "address" else frozenset()


def _signal(measured: Measured, layer: TextLayer, key: str, statements: list[Statement]) -> Iterator[Signal]:
    """One signal for one thing, if what is said of it is plain enough."""
    yes = [s for s in statements if s.affirmed]
    no = [s for s in statements if not s.affirmed]
    said, against = (yes, no) if sum(s.strength for s in yes) >= sum(s.strength for s in no) else (no, yes)
    best = max(said, key=lambda s: (s.strength, len(s.shown), -s.sentence.start))
    places = _places(layer, said)
    least = LEAST_SENSITIVE if best.sensitive else LEAST_STRENGTH
    if best.strength < least or places < _needed(best):
        return
    tense = _tense(best, said)
    name = fact_name(best.kind, best.predicate, best.shown, tense, affirmed=best.affirmed)
    if name is None:
        return
    certainty = best.strength + PER_PLACE * min(places - 1, MOST_PLACES) - 0.1 * min(len(against), 2)
    ordered = sorted(said, key=lambda s: (-s.strength, s.sentence.start))
    yield Signal(
        key=key,
        name=name,
        description=_description(name, said, against, places, measured.features["ownWords"]),
        category=_category(best),
        claim_kind=ClaimKind.STATED,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        evidence=tuple(_quotes(layer, ordered)),
        counter=tuple(_quotes(layer, against)),
        certainty=round(max(0.5, min(MOST_CERTAIN, certainty)), 3),
        specificity=_specificity(best),
        occurrences=places,
        own_words=measured.features["ownWords"],
        notes=_notes(said, against, sensitive=best.sensitive),
    )


def _category(best: Statement) -> TraitCategory:
    """A creed or party is a stance; other identities have no category of their own."""
    if best.kind == "identity" and best.sensitive:
        return TraitCategory.PHILOSOPHICAL_STANCE
    return CATEGORY.get(best.kind, TraitCategory.OTHER)


def _tense(best: Statement, said: list[Statement]) -> str:
    """The tense to name it in: the latest said, but of kin, who are mentioned in passing, the usual one."""
    tenses = [s.tense for s in said]
    if best.kind == "family":
        return "past" if 2 * tenses.count("past") > len(tenses) else "present"
    return next((tense for tense in ("present", "perfect") if tense in tenses), "past")


def _needed(best: Statement) -> int:
    """Places that this needs: kin spoken of in passing may be another's, a quality named once may be politeness."""
    if best.kind == "family" and best.strength < MENTIONED:
        return 2
    return 2 if best.predicate == SPOKEN_OF else PLACES_NEEDED.get(best.kind, 1)


def _places(layer: TextLayer, statements: list[Statement]) -> int:
    """Segments in which it is said; two sentences of one paragraph are one place."""
    return len({id(layer.segment_at(s.sentence.start)) for s in statements})


def _specificity(best: Statement) -> float:
    """By kind, and by how rare the words of the object are (Zipf scale: 1 rare, 7 commonest)."""
    telling = _TELLING.get(best.kind, 0.5)
    if best.kind in {"family", "admission", "affection", "gratitude"}:
        return telling
    rarest = min((zipf_frequency(word, "en", wordlist="small") for word in best.shown.split()), default=5.0)
    return round(telling * max(0.5, min(1.0, (7.5 - rarest) / 3)), 3)


def _description(name: str, said: list[Statement], against: list[Statement], places: int, own_words: int) -> str:
    """One sentence: what is said, how often, when, and how much text it rests on."""
    times = "once" if len(said) == 1 else "twice" if len(said) == 2 else f"{len(said)} times"
    where = f" in {places} places" if places > 1 else ""
    dates = sorted({s.date[:10] for s in said if s.date})
    when = "" if not dates else f", dated {dates[0]}" if len(dates) == 1 else f", dated {dates[0]} to {dates[-1]}"
    contrary = (
        f", and the contrary {len(against)} times" if len(against) > 1 else ", and the contrary once" if against else ""
    )
    soft = "" if max(s.strength for s in said) >= 0.7 else ", not very firmly"
    return f"“{name}”: said {times}{where}{when}{soft}{contrary}, in {own_words:,} own words."


def _notes(said: list[Statement], against: list[Statement], *, sensitive: bool) -> dict[str, float]:
    notes = {"statements": float(len(said)), "contrary": float(len(against)), "plainest": max(s.strength for s in said)}
    return notes | ({"sensitive": 1.0} if sensitive else {})


def _quotes(layer: TextLayer, statements: list[Statement]) -> Iterator[Span]:
    """Evidence spread over the text: the plainest, then those farthest from what is already quoted."""
    left = list({s.sentence.start: s for s in statements}.values())
    taken: list[Statement] = []
    while left and len(taken) < MAX_EVIDENCE:

        def far(statement: Statement) -> float:
            gaps = [abs(statement.sentence.start - other.sentence.start) for other in taken]
            return min(gaps, default=math.inf)

        chosen = max(left, key=far) if taken else left[0]
        left.remove(chosen)
        taken.append(chosen)
    for statement in taken:
        yield clipped(layer, statement.sentence, statement.focus)


def clipped(layer: TextLayer, sentence: Span, focus: Span) -> Span:
    """A long sentence cut at clause borders around what matters in it; still a literal range of the layer."""
    if sentence.end - sentence.start <= MAX_QUOTE:
        return sentence
    text = layer.text
    start, end = sentence.start, sentence.end
    half = (MAX_QUOTE - (focus.end - focus.start)) // 2
    for marks in (";:—", ",;:—("):
        before = [at for at in range(max(start, focus.start - half), focus.start) if text[at] in marks]
        if focus.start - start > half:
            if not before:
                continue
            start = before[0] + 1
        break
    room = MAX_QUOTE - (focus.end - start)
    if end - focus.end > room:
        after = [at for at in range(focus.end, min(end, focus.end + room)) if text[at] in ";:—,)"]
        strong = [at for at in after if text[at] in ";:—"]
        end = (strong or after or [focus.end + room])[-1]
    while start < focus.start and text[start].isspace():
        start += 1
    while end > focus.end and text[end - 1].isspace():
        end -= 1
    start = max(start, focus.start - half) if end - start > MAX_QUOTE else start
    return layer.span(start, end)
