"""Rules that read what a language model found (`llm.*`): proven passages become signals, opinions do not.

The model's own confidence is not asked for. What counts is how many places that lie apart show the thing; what other
analyzers say is weighed where candidates are merged, by keys that fold with theirs. A fact may be stated once; a habit,
a stance or a topic needs places; a disposition stands under the ceiling of the one large study of models reading posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from app.layers import Span
from app.traits.keys import fold_name
from app.traits.rules_facts import CATEGORY, NOT_THE_PERSON
from app.traits.signals import Measured, Signal, Study
from app.vocabulary import Authorship, ClaimKind, TraitCategory
from config.settings import settings

#: First-person words in 100 from which an unknown author's "I" is taken for the person's.
FIRST_PERSON = 1.0
#: How sure a plainly quoted statement is read, what each further place adds, and where it ends: below what a grammar
#: that is known through and through may reach.
STATED, PER_PLACE, MOST_STATED = 0.75, 0.04, 0.88
#: The same for what a model observes, which no count and no norm supports.
OBSERVED, MOST_OBSERVED = 0.4, 0.7
#: What each place that speaks against it takes away.
PER_COUNTER = 0.1
#: A special category of personal data must be said more than once.
SENSITIVE_PLACES = 2
MOST_OF_A_TASK = 8

#: Models reading the posts of 1,000 people: mean correlation with their own questionnaires (Peters & Matz 2024).
STUDY = Study("10.1093/pnasnexus/pgae231", 0.29, 1000, "users of a social network writing English")
#: A model says that somebody stands out, and not by how much: one standard deviation is believed.
BELIEVED_Z = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of finding becomes a signal.

    Attributes:
        family: beginning of its key; that of `text.facts`, `text.topics` where they say the same.
        category: `traitCategory`.
        claim: stated or observed.
        places: independent ones that it needs.
        specificity: how much it says about this person rather than about anybody.
    """

    family: str
    category: TraitCategory
    claim: ClaimKind
    places: int
    specificity: float


_STATED, _OBSERVED = ClaimKind.STATED, ClaimKind.OBSERVED
_FACTS = (
    "occupation employer studies residence origin family pet like habit skill belief value goal self identity fear "
    "health diet possession"
)
_COMMUNICATION = TraitCategory.COMMUNICATION_STYLE

KINDS: dict[str, dict[str, Kind]] = {
    "llm.facts": {
        kind: Kind(f"fact:{kind}", CATEGORY.get(kind, TraitCategory.OTHER), _STATED, 1, 0.7) for kind in _FACTS.split()
    },
    "llm.traits": {
        "habit": Kind("fact:habit", TraitCategory.BEHAVIORAL_PATTERN, _OBSERVED, 2, 0.6),
        "emotion": Kind("emotion", TraitCategory.EMOTIONAL_RESPONSE_PATTERN, _OBSERVED, 2, 0.5),
        "interest": Kind("fact:like", TraitCategory.INTEREST, _OBSERVED, 2, 0.7),
        "skill": Kind("fact:skill", TraitCategory.SKILL, _OBSERVED, 2, 0.7),
        "knowledge": Kind("knowledge", TraitCategory.KNOWLEDGE_DOMAIN, _OBSERVED, 2, 0.7),
        "disposition": Kind("disposition", TraitCategory.BEHAVIORAL_PATTERN, ClaimKind.INFERRED, 3, 0.4),
    },
    "llm.concepts": {"topic": Kind("topic", TraitCategory.INTEREST, _OBSERVED, 3, 0.5)},
    "llm.style": {
        kind: Kind(f"style:{kind}", _COMMUNICATION, _OBSERVED, 2, 0.5)
        for kind in ("tone", "humour", "directness", "address", "structure", "imagery")
    },
    "llm.stance": {
        "value": Kind("fact:value", TraitCategory.PHILOSOPHICAL_STANCE, _OBSERVED, 2, 0.8),
        "belief": Kind("fact:belief", TraitCategory.PHILOSOPHICAL_STANCE, _OBSERVED, 2, 0.8),
        "stance": Kind("stance", TraitCategory.PHILOSOPHICAL_STANCE, _OBSERVED, 2, 0.8),
    },
}
_DISPOSITIONS = frozenset({"extraversion", "agreeableness", "openness", "conscientiousness", "neuroticism"})
_ARTICLES = frozenset({"a", "an", "the"})


def signals(measured: Measured, *, infer: bool | None = None) -> Iterable[Signal]:
    """What the proven passages show; nothing of somebody else's text, nor of a text without a first person.

    Args:
        measured: features of one of the tasks in `KINDS`.
        infer: whether dispositions may be inferred; `Settings.infer_dispositions` where None.
    """
    if not about_the_person(measured):
        return []
    inferring = settings().infer_dispositions if infer is None else infer
    found = [signal for doc in measured.features["findings"] for signal in _signal(measured, doc, inferring=inferring)]
    return sorted(found, key=lambda s: -s.certainty * s.specificity)[:MOST_OF_A_TASK]


def about_the_person(measured: Measured) -> bool:
    """Whether the text is the person's and speaks of them; of other texts, what was found says nothing of theirs."""
    spoken = measured.authorship is Authorship.SELF or measured.features["firstPersonRate"] >= FIRST_PERSON
    return measured.layer is not None and measured.authorship not in NOT_THE_PERSON and spoken


def _signal(measured: Measured, doc: dict[str, Any], *, inferring: bool) -> Iterator[Signal]:
    kind = KINDS.get(measured.analyzer, {}).get(doc["kind"])
    if kind is None or doc["places"] < max(kind.places, SENSITIVE_PLACES if doc["sensitive"] else 1):
        return
    inferred = kind.claim is ClaimKind.INFERRED
    # "Likes crowds" with the mark that it is denied says two things at once.
    if not (inferred or doc["affirmed"] or "not" in fold_name(doc["name"])):
        return
    if inferred and not (inferring and doc["object"] in _DISPOSITIONS and measured.features["language"] == "en"):
        return
    counter = tuple(Span.from_json(span) for span in doc["counter"])
    places = doc["places"]
    yield Signal(
        key=_key(kind, doc),
        name=_name(doc),
        description=_description(measured, doc, kind),
        category=kind.category,
        claim_kind=kind.claim,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        evidence=tuple(Span.from_json(span) for span in doc["evidence"]),
        counter=counter,
        certainty=_certainty(kind.claim, places, len(counter)),
        specificity=kind.specificity,
        occurrences=places,
        own_words=measured.features["ownWords"],
        study=STUDY if inferred else None,
        z=(BELIEVED_Z if doc["affirmed"] else -BELIEVED_Z) if inferred else None,
        notes=_notes(places, len(counter), sensitive=doc["sensitive"]),
    )


def _key(kind: Kind, doc: dict[str, Any]) -> str:
    """As the rules that read grammar and counts would have it: "fact:occupation:bookbinder"."""
    bare = bare_term(doc["object"] or doc["name"])
    if kind.claim is ClaimKind.INFERRED:
        return f"{kind.family}:{bare}:{'high' if doc['affirmed'] else 'low'}"
    # The classifiers' rules say it so too.
    return f"{kind.family}:{bare}:expressed" if kind.family == "emotion" else f"{kind.family}:{bare}"


def bare_term(text: str) -> str:
    """A term as keys hold it: lower case, without an article before it."""
    words = text.casefold().replace(":", " ").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in _ARTICLES else words)


def _notes(places: int, against: int, *, sensitive: bool) -> dict[str, float]:
    return {"places": float(places), "against": float(against)} | ({"sensitive": 1.0} if sensitive else {})


def _name(doc: dict[str, Any]) -> str:
    name: str = doc["name"]
    return name[0].upper() + name[1:]


def _certainty(claim: ClaimKind, places: int, against: int) -> float:
    """From the number of places alone."""
    if claim is ClaimKind.STATED:
        most, reached = MOST_STATED, STATED + PER_PLACE * (places - 1)
    else:
        most, reached = MOST_OBSERVED, OBSERVED + 0.1 * (places - 1)
    return round(max(0.0, min(most, reached) - PER_COUNTER * against), 3)


def _description(measured: Measured, doc: dict[str, Any], kind: Kind) -> str:
    """One sentence: who read it, in how many places, what speaks against it, and how much text it rests on."""
    features, places = measured.features, doc["places"]
    where = "in one place" if places == 1 else f"in {places} places"
    against = len(doc["counter"])
    contrary = f", {against} against it" if against else ""
    read = "said" if kind.claim is ClaimKind.STATED else "read by a language model"
    norm = "" if kind.claim is ClaimKind.STATED else "; no norm to compare it with is at hand"
    return (
        f"“{_name(doc)}”: {read} {where}{contrary}, in {features['ownWords']:,} own words, each quotation found in the "
        f"text (prompt {features['prompt']}){norm}."
    )
