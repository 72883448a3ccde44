"""Headlines of stated facts: what the person would say about themselves, six words at most, always grammatical."""

from __future__ import annotations

from collections.abc import Callable

_MOST_WORDS = 6
#: Verb of our own: (present, past) in the third person. "Has" with the participle is the perfect.
_VERBS = {
    "love": ("Loves", "Loved"),
    "like": ("Likes", "Liked"),
    "enjoy": ("Enjoys", "Enjoyed"),
    "prefer": ("Prefers", "Preferred"),
    "hate": ("Hates", "Hated"),
    "dislike": ("Dislikes", "Disliked"),
    "despise": ("Despises", "Despised"),
    "cannot stand": ("Cannot stand", "Could not stand"),
    "teaches": ("Teaches", "Taught"),
    "works in": ("Works in", "Worked in"),
    "works with": ("Works with", "Worked with"),
    "works at": ("Works at", "Worked at"),
    "runs": ("Runs", "Ran"),
    "owns": ("Owns", "Owned"),
    "founded": ("Founded", "Founded"),
    "started": ("Started", "Started"),
    "opened": ("Opened", "Opened"),
    "set up": ("Set up", "Set up"),
    "established": ("Established", "Established"),
    "keeps": ("Keeps", "Kept"),
    "has": ("Has", "Had"),
    "studied": ("Studies", "Studied"),
    "studied at": ("Studies at", "Studied at"),
    "graduated from": ("Graduated from", "Graduated from"),
    "has a degree in": ("Has a degree in", "Has a degree in"),
    "student at": ("Student at", "Was a student at"),
    "lives": ("Lives", "Lived"),
    "moved to": ("Moved to", "Moved to"),
    "based in": ("Based in", "Was based in"),
    "lives in": ("Lives in", "Lived in"),
    "lives near": ("Lives near", "Lived near"),
    "lives on": ("Lives on", "Lived on"),
    "settled in": ("Settled in", "Settled in"),
    "from": ("Comes from", "Comes from"),
    "born in": ("Born in", "Born in"),
    "born near": ("Born near", "Born near"),
    "born on": ("Born on", "Born on"),
    "grew up in": ("Grew up in", "Grew up in"),
    "grew up near": ("Grew up near", "Grew up near"),
    "grew up on": ("Grew up on", "Grew up on"),
    "plays": ("Plays", "Played"),
    "speaks": ("Speaks", "Spoke"),
    "reads": ("Reads", "Read"),
    "knows": ("Knows", "Knew"),
    "understands": ("Understands", "Understood"),
    "writes": ("Writes", "Wrote"),
    "learned": ("Learned", "Learned"),
    "taught themselves": ("Taught themselves", "Taught themselves"),
    "is learning": ("Is learning", "Was learning"),
    "believes in": ("Believes in", "Believed in"),
    "values": ("Values", "Valued"),
    "cares about": ("Cares about", "Cared about"),
    "takes pride in": ("Takes pride in", "Took pride in"),
    "wants to": ("Wants to", "Wanted to"),
    "dreams of": ("Dreams of", "Dreamed of"),
    "dreads": ("Dreads", "Dreaded"),
    "feels": ("Feels", "Felt"),
    "has trouble with": ("Has trouble with", "Had trouble with"),
    "speaks of own": ("Speaks of own", "Speaks of own"),
    "tends to": ("Tends to", "Tended to"),
    "gave up": ("Gave up", "Gave up"),
    "has a habit of": ("Has a habit of", "Had a habit of"),
    "makes a point of": ("Makes a point of", "Made a point of"),
    "weakness for": ("Has a weakness for", "Had a weakness for"),
}
#: Adjectives: "Fond of", "Was fond of", "Not fond of".
_ADJECTIVES = frozenset(
    [
        "fond of",
        "keen on",
        "fascinated by",
        "interested in",
        "into",
        "obsessed with",
        "passionate about",
        "fan of",
        "devoted to",
        "addicted to",
        "afraid of",
        "good at",
        "fluent in",
        "allergic to",
    ]
)
#: What denies a verb: "Does not", "Did not" and its base form.
_BASES = {
    "like": "like",
    "enjoy": "enjoy",
    "plays": "play",
    "speaks": "speak",
    "reads": "read",
    "understands": "understand",
    "writes": "write",
    "believes in": "believe in",
    "has": "have",
    "wants to": "want to",
    "values": "value",
}
#: Perfect forms that differ from "Has" and the past.
_PERFECT = {
    "runs": "Has run",
    "knows": "Has known",
    "speaks": "Has spoken",
    "works at": "Has worked at",
    "works in": "Has worked in",
    "lives in": "Has lived in",
    "studied": "Has studied",
    "plays": "Has played",
    "teaches": "Has taught",
}
_LABELS = {
    "occupation": "Occupation",
    "like": "Likes",
    "studies": "Studies",
    "employer": "Employer",
    "goal": "Goal",
    "skill": "Skill",
    "habit": "Habit",
    "value": "Values",
    "belief": "Belief",
}
_OFFICES = (
    "founder of",
    "cofounder of",
    "co-founder of",
    "author of",
    "editor of",
    "director of",
    "president of",
    "owner of",
    "head of",
    "captain of",
    "member of",
    "citizen of",
    "secretary of",
    "chair of",
    "chairman of",
)
_A_DESPITE_VOWEL = ("uni", "use", "usu", "eu", "one", "once", "ubi", "uto", "ura")
_AN_DESPITE_CONSONANT = ("hour", "honest", "honour", "honor", "heir")
_SPELLED_WITH_VOWEL = frozenset("AEFHILMNORSX")


def article(noun: str) -> str:
    """The article by sound: "a" or "an"."""
    first = noun.split(maxsplit=1)[0]
    if first.isupper() and 1 < len(first) < 5:
        return "an" if first[0] in _SPELLED_WITH_VOWEL else "a"
    low = first.lower()
    if low.startswith(_AN_DESPITE_CONSONANT):
        return "an"
    return "an" if low[0] in "aeiou" and not low.startswith(_A_DESPITE_VOWEL) else "a"


def with_article(noun: str) -> str:
    """A role as one is called: "an editor", but "author of Walden"."""
    if " of " in noun and noun.lower().startswith(_OFFICES):
        return (
            f"the {noun}"
            if noun.lower().startswith(("author of", "founder of", "editor of", "owner of", "head of"))
            else f"{article(noun)} {noun}"
        )
    return noun if noun.split(maxsplit=1)[0] in {"a", "an", "the"} else f"{article(noun)} {noun}"


def fact_name(kind: str, predicate: str, slot: str, tense: str, *, affirmed: bool) -> str | None:
    """The headline.

    Args:
        kind: of fact.
        predicate: our word for what is said.
        slot: the object as it is written.
        tense: present, perfect or past.
        affirmed: whether it is affirmed.

    Returns:
        At most six words; None where no short headline says it.
    """
    made = _SPECIAL.get(kind, _general)(predicate, slot, tense, affirmed)
    if made is None or len(made.split()) <= _MOST_WORDS:
        return made
    bare = slot.removeprefix("the ").removeprefix("an ").removeprefix("a ")
    shorter = (
        made.replace("Has worked", "Worked")
        .replace("Has been", "Was")
        .removeprefix("Was ")
        .replace(f" {slot}", f" {bare}")
    )
    shorter = shorter[0].upper() + shorter[1:]
    if len(shorter.split()) <= _MOST_WORDS:
        return shorter
    label = _LABELS.get(kind)
    labelled = f"{label}: {bare}" if label and affirmed else None
    return labelled if labelled and len(labelled.split()) <= _MOST_WORDS else None


def _general(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - one signature for all makers
    if predicate in _ADJECTIVES:
        return _adjective(predicate, slot, tense, affirmed)
    forms = _VERBS.get(predicate)
    if forms is None:
        return None
    if affirmed or predicate in {"hate", "dislike", "despise", "cannot stand"}:
        verb = _PERFECT.get(predicate, forms[0]) if tense == "perfect" else forms[tense == "past"]
        return f"{verb} {slot}"
    base = _BASES.get(predicate)
    return f"{'Did' if tense == 'past' else 'Does'} not {base} {slot}" if base else None


def _adjective(predicate: str, slot: str, tense: str, affirmed: bool) -> str:  # noqa: FBT001 - as above
    if predicate == "fan of" and not affirmed:
        return f"Not a fan of {slot}" if tense != "past" else f"Was no fan of {slot}"
    if not affirmed:
        return f"{'Was not' if tense == 'past' else 'Not'} {predicate} {slot}"
    if tense != "past":
        return f"{predicate[0].upper()}{predicate[1:]} {slot}"
    return f"Was a fan of {slot}" if predicate == "fan of" else f"Was {predicate} {slot}"


def _like(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "favourite":
        return f"{'Once favourite' if tense == 'past' else 'Favourite'} {slot}"
    if predicate == "hobby":
        return f"Hobby: {slot}"
    return _general(predicate, slot, tense, affirmed)


def _be(slot: str, tense: str, affirmed: bool) -> str:  # noqa: FBT001 - as above
    verb = {"past": "Was", "perfect": "Has been"}.get(tense, "Is")
    return f"{verb} {slot}" if affirmed else f"{verb} not {slot}"


def _occupation(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate in {"works as", "trained as", "became"}:
        verb = {"trained as": "Trained as", "became": "Became"}.get(predicate) or {
            "past": "Worked as",
            "perfect": "Has worked as",
        }.get(tense, "Works as")
        return f"{verb} {with_article(slot)}"
    if predicate == "is":
        return _be(with_article(slot), tense, affirmed)
    return _general(predicate, slot, tense, affirmed)


def _identity(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate in {"became", "raised as a"}:
        return f"{'Became' if predicate == 'became' else 'Raised as'} {with_article(slot)}"
    shown = slot if predicate == "is" else with_article(slot)
    return _be(shown, "present" if tense == "perfect" else tense, affirmed)


def _self(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "is":
        return _be(slot, "present" if tense == "perfect" else tense, affirmed)
    return _general(predicate, slot, "present" if tense == "perfect" else tense, affirmed)


def _family(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "married":
        return "Is married" if affirmed else "Is not married"
    if predicate == "is the":
        return f"{slot[0].upper()}{slot[1:]}"
    if predicate in {"is a", "became"}:
        return _identity(predicate, slot, tense, affirmed)
    plural = slot.rsplit(maxsplit=1)[-1].endswith(("s", "children")) or slot.split(maxsplit=1)[0] in {"a", "an"}
    verb = "Had" if tense == "past" else "Has"
    if not affirmed:
        return f"{verb} no {slot}"
    return f"{verb} {slot if plural else with_article(slot)}"


def _habit(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "regularly":
        return f"{slot[0].upper()}{slot[1:]}"
    if predicate in {"always", "usually", "often", "never", "rarely"}:
        return f"{predicate.capitalize()} {slot}"
    return _general(predicate, slot, tense, affirmed)


def _skill(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "can":
        return f"{'Can' if affirmed else 'Cannot'} {slot}"
    if predicate in {"is", "is a"}:
        return _be(with_article(slot), tense, affirmed)
    return _general(predicate, slot, tense, affirmed)


def _goal(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "wants to be":
        return f"{'Wanted' if tense == 'past' else 'Wants'} to be {with_article(slot)}"
    return _general(predicate, slot, tense, affirmed)


def _value(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate in {"makes it a rule to", "never"}:
        return f"Own rule: {'never ' if predicate == 'never' else ''}{slot}"
    return _general(predicate, slot, tense, affirmed)


def _diet(predicate: str, slot: str, tense: str, affirmed: bool) -> str | None:  # noqa: FBT001 - as above
    if predicate == "abstains":
        return "Does not smoke" if slot == "smoke" else "Does not drink alcohol"
    if predicate in {"eat", "drink", "smoke"}:
        return f"Does not {predicate} {slot}"
    return _general(predicate, slot, tense, affirmed)


def _mark(predicate: str, _slot: str, _tense: str, _affirmed: bool) -> str:  # noqa: FBT001 - as above
    return {
        "affection": "Openly affectionate with loved ones",
        "admission": "Admits own mistakes",
        "gratitude": "Credits others for lessons learned",
    }[predicate]


_SPECIAL: dict[str, Callable[[str, str, str, bool], str | None]] = {
    "like": _like,
    "occupation": _occupation,
    "identity": _identity,
    "studies": _occupation,
    "self": _self,
    "family": _family,
    "habit": _habit,
    "skill": _skill,
    "goal": _goal,
    "value": _value,
    "diet": _diet,
    "affection": _mark,
    "admission": _mark,
    "gratitude": _mark,
}
