"""What "I" and a verb say about somebody's mind: likings, values, beliefs, goals, fears, how they see themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import lasting
from app.analyzers.text.facts_draft import AFFIRMED, NEGATED, Draft, Said
from app.analyzers.text.facts_inflect import base_of, gerund
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import (
    Phrase,
    activity,
    fold,
    follows_well,
    infinitive,
    noun,
    run,
    text_of,
    thing,
    things,
)
from app.analyzers.text.facts_roles import listed, role
from app.analyzers.text.facts_words import word_set

_LOVES = {"love": "love", "adore": "love", "relish": "enjoy", "like": "like", "enjoy": "enjoy", "prefer": "prefer"}
_HATES = {
    "hate": "hate",
    "detest": "hate",
    "loathe": "hate",
    "despise": "despise",
    "abhor": "hate",
    "dislike": "dislike",
}
_AIMS = word_set("dream aspire intend plan aim hope want long")


def one_person(phrase: Phrase) -> bool:
    """Whether an object is a single person, by name, title or kinship; whom somebody loves is not ours to list."""
    words = lexicon()
    pieces = phrase.slot.split()
    by_name = phrase.proper and any(piece in words["titles"] or piece in words["given_names"] for piece in pieces)
    return by_name or phrase.head in words["titles"] or phrase.head in words["kin"]


def like(said: Said) -> Iterator[Draft]:
    """From "I love jazz", "I have always enjoyed reading and hiking", "I don't like crowds", "I hate small talk"."""
    line, verb = said.line, said.verb
    hated = verb.lemma in _HATES
    if (
        verb.modal
        or verb.progressive
        or verb.passive
        or (verb.negated and (hated or verb.lemma in {"love", "adore", "prefer"}))
    ):
        return
    # "I've enjoyed relaxing here" is about these days; only with "always" or a span of time is it about a life.
    if verb.tense == "perfect" and not ({"always", "ever", "long"} & set(verb.adverbs) or verb.often or verb.negated):
        return
    found = things(line, verb.next) or ([] if hated or verb.negated else _own_thing(line, verb.next))
    for phrase in found:
        if one_person(phrase) or (verb.tense == "past" and not lasting(line, said.opened, verb, phrase.next)):
            continue
        tail = line.words[phrase.next : phrase.next + 4]
        if verb.negated and {"more", "better"} & set(tail):
            continue
        predicate = (_HATES if hated else _LOVES)[verb.lemma]
        if predicate == "like" and tail[:1] in (["better"], ["more"]) and "than" in tail:
            predicate = "prefer"
        if (
            predicate == "prefer"
            and phrase.gerund
            and line.word(phrase.next) in lexicon()["prepositions"] - {"to", "over"}
        ):
            continue
        draft = said.draft("like", predicate, phrase)
        yield replace(draft, polarity=NEGATED) if hated else draft


def _own_thing(line: Line, at: int) -> list[Phrase]:
    """From "my job": of what is one's own, only what everybody has a feeling about."""
    after = run(line, at + 1, 2)
    if (
        line.word(at) != "my"
        or after <= at + 1
        or line.word(after - 1) not in lexicon()["own_things"]
        or not follows_well(line, after)
    ):
        return []
    group = line.words[at + 1 : after]
    return [Phrase(text_of(["their", *group]), fold(group), at + 1, after)]


def stand(said: Said) -> Iterator[Draft]:
    """From "I can't stand loud music", "I cannot bear waste"."""
    verb = said.verb
    if verb.modal != "can" or not verb.negated or verb.tense == "past":
        return
    for phrase in things(said.line, verb.next):
        if not one_person(phrase):
            yield replace(
                said.draft("like", "cannot stand", phrase), polarity=NEGATED, plain=min(0.95, said.plain + 0.06)
            )


def quality(said: Said) -> Iterator[Draft]:
    """From "I have a passion for maps", "a horror of snakes", "a weakness for cake"."""
    line, at, words = said.line, said.verb.next, lexicon()
    if line.word(at) not in {"a", "an", "no"} or said.verb.negated or said.verb.modal:
        return
    index = line.skip(at + 1, words["adverbs"] | words["quality_adjectives"])
    kind, none = line.word(index), line.word(at) == "no"
    if kind not in words["qualities"] or line.word(index + 1) not in {"for", "of"}:
        return
    phrase = thing(line, index + 2)
    if (
        phrase is None
        or one_person(phrase)
        or (said.verb.tense == "past" and kind in {"fear", "dread", "dislike", "distaste"})
    ):
        return
    if kind in {"fear", "horror", "dread", "phobia"}:
        yield replace(said.draft("fear", "afraid of", phrase), polarity=NEGATED if none else AFFIRMED)
    elif kind in {"talent", "gift", "knack"}:
        yield replace(said.draft("skill", "good at", phrase), polarity=NEGATED if none else AFFIRMED)
    elif kind in {"dislike", "hatred", "distaste", "aversion"} and not none:
        yield replace(said.draft("like", "dislike", phrase), polarity=NEGATED)
    elif not none:
        yield said.draft(
            "like",
            {"passion": "passionate about", "weakness": "weakness for", "spot": "weakness for"}.get(kind, "fond of"),
            phrase,
        )


def believe(said: Said) -> Iterator[Draft]:
    """From "I believe in hard work"; a clause behind "that" is too long to be a name."""
    verb, words = said.verb, lexicon()
    if verb.modal or verb.progressive or said.line.word(verb.next) != "in" or (verb.tense == "past" and not verb.often):
        return
    for phrase in things(said.line, verb.next + 1):
        holy = bool(words["convictions"] & set(phrase.slot.split()))
        if holy or not one_person(phrase):
            yield said.draft("belief", "believes in", phrase, sensitive=holy)


def value(said: Said) -> Iterator[Draft]:
    """From "I value independence", "I care deeply about privacy", "I pride myself on punctuality"."""
    line, verb, at = said.line, said.verb, said.verb.next
    if verb.negated or verb.modal or verb.progressive or verb.passive or verb.tense == "past":
        return
    predicate = {"care": "cares about", "pride": "takes pride in", "take": "takes pride in"}.get(verb.lemma, "values")
    if verb.lemma == "care":
        at = line.skip(
            at,
            {"deeply", "a", "lot", "great", "deal", "passionately", "very", "much", "strongly", "so", "more", "most"},
        )
    for lemma, lead in (("care", "about"), ("pride", "myself on"), ("take", "pride in"), ("take", "great pride in")):
        if verb.lemma == lemma and line.matches(at, lead):
            at += len(lead.split())
            break
    else:
        if verb.lemma in {"care", "pride", "take"}:
            return
    if line.word(at) == "my" and line.word(at + 1) in lexicon()["abstract_values"] | {
        "time",
        "sleep",
        "health",
        "work",
    }:
        slot = f"their {line.word(at + 1)}"
        yield said.draft("value", predicate, Phrase(slot, line.word(at + 1), at + 1, at + 2))
        return
    for phrase in things(line, at):
        if not one_person(phrase):
            yield said.draft("value", predicate, phrase)


def want(said: Said) -> Iterator[Draft]:
    """From "I want to become a pilot", "I have always wanted to visit Japan", "I dream of opening a bakery"."""
    line, verb, at = said.line, said.verb, said.verb.next
    if verb.negated or verb.modal or verb.passive:
        return
    if line.word(at) == "of" and verb.lemma == "dream":
        found = activity(line, at + 1) if verb.tense != "past" or verb.often else None
        if found and line.word(at + 1) not in {"being", "having", "seeing", "doing"}:
            yield said.draft("goal", "dreams of", found)
    elif verb.lemma in _AIMS:
        yield from goal(
            said,
            at,
            always=verb.lemma == "aspire"
            or (("always" in verb.adverbs or "long" in verb.adverbs) and verb.tense != "present"),
        )


def goal(said: Said, at: int, *, always: bool) -> Iterator[Draft]:
    """From "to be an engineer", "to learn Welsh"; anything else only where it is a lasting wish."""
    line = said.line
    if line.word(at) != "to":
        return
    start = line.skip(at + 1, lexicon()["adverbs"] | {"someday", "one", "day"})
    verb = line.word(start)
    if verb in {"be", "become"}:
        named_role = line.capital(start + 2) and line.capital(start + 3)
        found = role(line, start + 1, "occupations", "roles", "self_nouns", anyone=named_role or always)
        if (
            found
            and not found.graded
            and (follows_well(line, found.phrase.next) or line.word(found.phrase.next) == "who")
        ):
            yield said.draft("goal", "wants to be", replace(found.phrase, lemma=fold(found.phrase.slot.split())))
        return
    known = listed(line, start + 1, "languages", "instruments", "programming", "studies", "games", "signed")
    if verb in {"learn", "study", "play", "speak"} and known and follows_well(line, known.next):
        slot = f"{verb} {'the ' if line.word(start + 1) == 'the' else ''}{known.slot}"
        yield said.draft(
            "goal", "wants to", replace(known, slot=slot, lemma=fold([gerund(verb), known.slot]), first=start)
        )
        return
    found_goal = infinitive(line, at) if always else None
    if found_goal:
        yield said.draft(
            "goal", "wants to", replace(found_goal, slot=text_of([verb, *found_goal.slot.split()[1:]]), first=start)
        )


def conceive(said: Said) -> Iterator[Draft]:
    """From "I conceived the bold project of arriving at moral perfection", "I resolved to become a vegetarian"."""
    line, verb = said.line, said.verb
    at = line.skip(verb.next, lexicon()["articles"])
    end = run(line, at, 4) if at > verb.next else -1
    # Two adjectives joined: "the bold and arduous project".
    end = run(line, end + 1, 3) if end > at and line.word(end) == "and" else end
    if (
        verb.negated
        or verb.modal
        or end <= at
        or line.word(end - 1) not in lexicon()["designs"]
        or line.word(end) not in {"of", "to"}
    ):
        return
    found = activity(line, end + 1) if line.word(end) == "of" else infinitive(line, end)
    if found:
        base = base_of(found.slot.split()[0])
        yield said.draft("goal", "wants to", replace(found, slot=text_of([base, *found.slot.split()[1:]])))


def fear(said: Said) -> Iterator[Draft]:
    """From "I fear heights", "I dread public speaking"; "I fear that" is politeness."""
    verb = said.verb
    if verb.negated or verb.modal or verb.progressive or verb.tense == "past":
        return
    for phrase in things(said.line, verb.next):
        if not one_person(phrase) and not (phrase.gerund and verb.lemma == "fear"):
            yield said.draft("fear", "afraid of" if verb.lemma == "fear" else "dreads", phrase)


def consider(said: Said) -> Iterator[Draft]:
    """From "I consider myself a feminist", "I would describe myself as shy"."""
    line, at, verb, words = said.line, said.verb.next, said.verb, lexicon()
    if line.word(at) != "myself" or verb.negated or verb.modal not in {"", "would"} or verb.tense == "past":
        return
    at = line.skip(at + 1, {"as", "to", "be"})
    found = role(line, at, "self_nouns", "occupations")
    if found:
        yield said.draft(
            "identity", "is a", found.phrase, sensitive=found.head in words["sensitive_nouns"], tense="present"
        )
        return
    at = line.skip(at, words["adverbs"])
    if line.word(at) in words["trait_adjectives"] and follows_well(line, at + 1):
        slot = line.word(at)
        yield said.draft(
            "self",
            "is",
            Phrase(slot, slot, at, at + 1),
            sensitive=slot in words["sensitive_adjectives"],
            tense="present",
        )


def feel(said: Said) -> Iterator[Draft]:
    """From "I feel every day more and more inadequate", "I have always felt lonely"; once is not enough."""
    line, at, verb = said.line, said.verb.next, said.verb
    every = line.matches(at, "every day")
    at = line.skip(at + 2 if every else at, {"more", "and", "very", "so"})
    if (
        (every or verb.often in {"always", "often", "constantly"})
        and line.word(at) in lexicon()["feel_adjectives"]
        and not verb.negated
    ):
        yield said.draft("self", "feels", Phrase(line.word(at), line.word(at), at, at + 1))


def make(said: Said) -> Iterator[Draft]:
    """From "I collect stamps", "I grow roses", "I write poetry": what is made or kept for its own sake."""
    line, at, verb = said.line, said.verb.next, said.verb
    if (
        verb.negated
        or verb.modal
        or verb.progressive
        or verb.tense != "present"
        or line.word(at) in lexicon()["determiners"]
    ):
        return
    found = noun(line, at)
    if found and found.head in lexicon()[f"{verb.lemma}_what"] and (len(found.slot.split()) < 3):
        yield said.draft(
            "habit",
            "regularly",
            replace(found, slot=f"{verb.lemma}s {found.slot}", lemma=f"{verb.lemma} {found.lemma}", first=verb.at),
        )
