"""What is dear to me, by "my": favourites, goals, rules, feelings, qualities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_draft import NEGATED, Draft, Said, spoken_of
from app.analyzers.text.facts_inflect import singular
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_mind import one_person
from app.analyzers.text.facts_phrase import (
    Phrase,
    activity,
    fold,
    infinitive,
    noun,
    run,
    thing,
    things,
)
from app.analyzers.text.facts_roles import named, role
from app.analyzers.text.facts_words import word_set

_GOALS = word_set("goal aim dream ambition plan intention purpose resolution aspiration desire wish hope")
_RULES = word_set("principle motto rule maxim philosophy policy creed")
_BE_FORMS = {"is": "present", "'s": "present", "are": "present", "was": "past", "were": "past"}
_BACK = word_set("always long still now then of me in life the greatest biggest main chief only ultimate first")
_CAUSES = {"gave": "past", "gives": "present", "caused": "past", "causes": "present"}
_EFFORTS = word_set("scheme plan habit practice study virtue precept resolution lack want sense")
_MUCH = ("the most", "most", "much", "great", "a lot of", "no end of", "more")
_ENDED = word_set(
    "lost gone worn faded died overcame overcome cured conquered outgrew outgrown abandoned forgot forgotten blighted"
)


def favourite(line: Line, index: int) -> Iterator[Draft]:
    """From "my favourite author is Borges", "jazz is my favourite music", "my hobbies are knitting and chess"."""
    if line.word(index + 1) in {"hobby", "hobbies", "passion", "passions", "interests"} or (
        line.word(index + 1) in {"main", "favourite", "favorite", "biggest", "greatest", "other"}
        and line.word(index + 2) in {"hobby", "hobbies", "passion", "pastime"}
    ):
        at = (
            index + 2
            if line.word(index + 1) not in {"main", "favourite", "favorite", "biggest", "greatest", "other"}
            else index + 3
        )
        if line.word(at) in {"is", "are", "include", ":", "'s"}:
            for phrase in things(line, at + 1):
                if not one_person(phrase):
                    yield spoken_of(line, "present").draft(
                        "like", "passionate about" if "passion" in line.word(at - 1) else "hobby", phrase
                    )
        return
    if line.word(index + 1) not in {"favourite", "favorite", "favourites", "favorites"}:
        return
    after = run(line, index + 2, 3)
    if after <= index + 1:
        return
    topic = line.words[index + 2 : after]
    if not topic or (topic[-1] in lexicon()["vague"] and topic[-1] != "people"):
        return
    tense = _BE_FORMS.get(line.word(after), "")
    if tense:
        start = after + 1
        start = line.skip(start, {"still", "always", "probably", "definitely", "perhaps"})
        found = named(line, start) if line.capital(start) else noun(line, start) or activity(line, start)
        if (
            found
            and len(topic) + len(found.slot.split()) <= 5
            and found.slot.split()[-1] not in lexicon()["vague"]
            and not _hedged_list(line, found.next)
        ):
            shown = Phrase(
                f"{' '.join(topic)}: {found.slot}",
                f"{singular(topic[-1])} {found.lemma}",
                found.first,
                found.next,
                proper=found.proper,
            )
            yield spoken_of(line, tense).draft("like", "favourite", shown)


def _hedged_list(line: Line, at: int) -> bool:
    return line.word(at) in {"but", "when", "that", "who"} or line.word(at) == "'s"


def goal(line: Line, index: int) -> Iterator[Draft]:
    """From "my dream is to open a bakery", "it has long been my ambition to go to Radcliffe"."""
    words = lexicon()
    at = line.skip(index + 1, _BACK | {"great", "big", "lifelong", "own", "personal", "career"})
    if line.word(at) not in _GOALS:
        return
    verb = line.skip(at + 1, words["adverbs"] | {"for", "life", "has", "been", "had"})
    tense = _BE_FORMS.get(line.word(verb), "")
    lasting = bool({"always", "long", "life", "lifelong"} & set(line.words[max(0, index - 4) : verb + 1]))
    if (
        line.word(at) in {"plan", "aim", "purpose", "intention", "desire", "wish", "hope", "resolution"}
        and not lasting
        and tense != "present"
    ):
        return
    negated = line.word(verb + 1) in words["negations"]
    if tense and line.word(verb + 1) == "to" and not negated:
        start = verb + 1
    elif line.word(at + 1) == "to" and line.word(index - 1) in {"been", "was", "is", "always", "long"}:
        start, tense = at + 1, "past" if line.word(index - 1) == "was" else "present"
    elif (
        line.word(at + 1) == "of"
        and line.word(at) in {"dream", "ambition"}
        and line.word(index - 1) not in {"in", "of", "about", "for"}
    ):
        start, tense = at + 2, "present"
    elif {"has", "been"} <= set(line.words[at + 1 : verb]) and line.word(verb) == "to":
        start, tense = verb, "present"
    else:
        return
    yield from _aim(line, start, spoken_of(line, tense))


def _aim(line: Line, start: int, said: Said) -> Iterator[Draft]:
    if line.word(start) == "to":
        at = line.skip(start + 1, lexicon()["adverbs"])
        if line.word(at) in {"be", "become"}:
            found = role(line, at + 1, "occupations", "roles", "self_nouns", anyone=True)
            if found and not found.graded:
                yield said.draft("goal", "wants to be", found.phrase)
            return
        goal = infinitive(line, start)
        if goal:
            yield said.draft("goal", "wants to", replace(goal, slot=" ".join([line.word(at), *goal.slot.split()[1:]])))
        return
    goal = activity(line, start)
    if goal and goal.slot.split()[0] not in {"being", "having"}:
        yield said.draft("goal", "dreams of", goal)


def rule(line: Line, index: int) -> Iterator[Draft]:
    """From "my motto is to keep it simple", "it is my rule never to borrow"."""
    at = line.skip(index + 1, _BACK | {"general", "own", "personal", "guiding"})
    if line.word(at) not in _RULES:
        return
    start = (
        at + 2
        if line.word(at + 1) in _BE_FORMS
        else at + 1
        if line.word(index - 1) in {"is", "been", "was", "it", "always"}
        else -1
    )
    never = line.word(start) == "never"
    goal = infinitive(line, start + 1 if never else start) if start > 0 else None
    if goal:
        base = line.word(line.skip(goal.first, {"to"}))
        draft = spoken_of(line, _BE_FORMS.get(line.word(at + 1), "present")).draft(
            "value",
            "never" if never else "makes it a rule to",
            replace(goal, slot=" ".join([base, *goal.slot.split()[1:]])),
        )
        yield draft


def feeling(line: Line, index: int) -> Iterator[Draft]:
    """From "my fear of heights", "my love of maps", "my passion for trains"."""
    at = line.skip(index + 1, {"greatest", "biggest", "worst", "own", "old", "lifelong", "great", "deep", "natural"})
    named, preposition = line.word(at), line.word(at + 1)
    kinds = {
        "fear": ("fear", "afraid of"),
        "phobia": ("fear", "afraid of"),
        "love": ("like", "love"),
        "passion": ("like", "passionate about"),
        "fondness": ("like", "fond of"),
        "hatred": ("like", "hate"),
        "dislike": ("like", "dislike"),
        "interest": ("like", "interested in"),
    }
    if (
        named not in kinds
        or preposition not in {"of", "for", "is", "in"}
        or (preposition == "is" and named not in {"fear", "phobia", "passion"})
        or (preposition == "in" and named != "interest")
    ):
        return
    phrase = thing(line, at + 2)
    if phrase and not one_person(phrase) and not _ENDED & set(line.words):
        kind, predicate = kinds[named]
        draft = spoken_of(line).draft(kind, predicate, phrase)
        yield replace(draft, polarity=NEGATED if named in {"hatred", "dislike"} else draft.polarity, plain=0.72)


def trouble(line: Line, index: int) -> Iterator[Draft]:
    """From "My scheme of Order gave me the most trouble"."""
    verb = next((at for at in range(index + 2, min(index + 8, len(line))) if line.word(at) in _CAUSES), -1)
    start = verb + 2 if line.word(verb + 1) == "me" else verb + 1
    much = next((lead for lead in _MUCH if line.matches(start, f"{lead} trouble")), "")
    if verb < 0 or line.word(start - 1) != "me" or not much:
        return
    first = index + 3
    if line.word(index + 1) in _EFFORTS and line.word(index + 2) == "of" and run(line, first, 5) >= verb > first:
        shown = line.words[first:verb]
        yield spoken_of(line, _CAUSES[line.word(verb)]).draft(
            "self", "has trouble with", Phrase(" ".join(shown), fold(shown), first, verb)
        )


def quality(line: Line, index: int) -> Iterator[Draft]:
    """From "my vanity", "my natural shyness": a quality one says to have; rules ask for it more than once."""
    at = line.skip(
        index + 1, {"own", "natural", "usual", "innate", "great", "extreme", "native", "constitutional", "habitual"}
    )
    noun_word = line.word(at)
    if noun_word in lexicon()["own_qualities"] and line.word(index - 1) not in {"not", "no"}:
        draft = spoken_of(line).draft("self", "speaks of own", Phrase(noun_word, noun_word, at, at + 1))
        yield replace(draft, plain=0.7)
        if line.word(at + 1) == "and" and line.word(at + 2) in lexicon()["own_qualities"]:
            second = Phrase(line.word(at + 2), line.word(at + 2), at + 2, at + 3)
            yield replace(spoken_of(line).draft("self", "speaks of own", second), plain=0.7)


def pleasure(line: Line, index: int) -> Iterator[Draft]:
    """From "my chief amusement was reading"."""
    at = line.skip(index + 1, {"only", "chief", "greatest", "main", "principal", "biggest"})
    if at == index + 1 or line.word(at) not in {
        "amusement",
        "pleasure",
        "delight",
        "recreation",
        "pastime",
        "diversion",
        "joy",
    }:
        return
    tense = _BE_FORMS.get(line.word(at + 1), "")
    for phrase in things(line, at + 2) if tense else ():
        if not one_person(phrase):
            yield spoken_of(line, tense).draft("like", "enjoy", phrase)
