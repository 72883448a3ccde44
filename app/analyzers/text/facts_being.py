"""What follows "I am": roles, traits, likings, fears, origins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import lasting
from app.analyzers.text.facts_draft import NEGATED, Draft, Said
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import BARRIER, END, Line
from app.analyzers.text.facts_mind import one_person
from app.analyzers.text.facts_phrase import Phrase, fold, follows_well, is_gerund, thing, things
from app.analyzers.text.facts_roles import institution, listed, place, role
from app.analyzers.text.facts_words import word_set

#: What says that something is liked, with the name we give it.
_LIKINGS = {
    "fond of": "fond of",
    "keen on": "keen on",
    "passionate about": "passionate about",
    "crazy about": "love",
    "mad about": "love",
    "fascinated by": "fascinated by",
    "fascinated with": "fascinated by",
    "obsessed with": "obsessed with",
    "interested in": "interested in",
    "addicted to": "addicted to",
    "partial to": "fond of",
    "into": "into",
    "devoted to": "devoted to",
    "enamoured of": "love",
    "enamored of": "love",
}
_FANS = (
    "a big",
    "a huge",
    "a great",
    "a massive",
    "a",
    "much of a",
    "a lifelong",
    "an avid",
    "a keen",
    "a long-time",
    "such a",
)
_AFRAID = ("afraid of", "scared of", "terrified of", "frightened of", "frightened by", "petrified of", "terrified by")
_GOOD = word_set("good great excellent skilled skilful skillful proficient adept")
_BAD = word_set("bad terrible horrible awful lousy hopeless rubbish mediocre poor")
_PERSON = word_set(
    "person man woman fellow girl boy child kid guy soul creature individual character student traveller reader"
)
#: What may stand behind "I am shy" without narrowing it to an occasion.
_OPEN_ENDED = word_set("and but or because since so although though , . ; : — ! … ( )") | {END, BARRIER}
_TRAIT_TAILS = (
    "by nature",
    "in general",
    "by temperament",
    "at heart",
    "by disposition",
    "as a child",
    "when i was",
    "from birth",
    "with strangers",
    "around people",
)
_AFTER_ROLE = word_set("too who here there at for in by with since on during of working living based")


def being(said: Said) -> Iterator[Draft]:
    """Every fact in "I am ..."; the first reader that understands it has it."""
    for reader in (_liking, _fear, _skill, _from, _family, _allergic, _student, _role, _self, _described, _trait):
        found = [*reader(said, said.line, said.verb.next)]
        if found:
            yield from found
            return


def _liking(said: Said, line: Line, at: int) -> Iterator[Draft]:
    for lead in _FANS:
        for fan, predicate in (("fan of", "fan of"), ("lover of", "love")):
            if line.matches(at, f"{lead} {fan}"):
                yield from _likes(said, at + len(lead.split()) + 2, predicate)
                return
    for words, predicate in _LIKINGS.items():
        if line.matches(at, words):
            if predicate != "into" or (said.verb.tense == "present" and line.word(at + 1) not in {"a", "the"}):
                yield from _likes(said, at + len(words.split()), predicate)
            return


def _likes(said: Said, at: int, predicate: str) -> Iterator[Draft]:
    verb, lead = said.verb, said.opened.lead
    if (
        verb.tense == "past"
        and predicate not in {"fond of", "devoted to", "fan of", "love"}
        and not lasting(said.line, said.opened, verb, at + 2)
    ):
        return
    for phrase in things(said.line, at):
        if one_person(phrase):
            continue
        draft = said.draft("like", predicate, phrase)
        # "From a child I was fond of reading": begun then, and not said to have ended.
        if lead[:1] == ("from",) or "ever" in verb.adverbs:
            draft = replace(
                draft, tense="perfect" if draft.tense == "past" else draft.tense, plain=min(0.95, draft.plain + 0.08)
            )
        yield draft


def _fear(said: Said, line: Line, at: int) -> Iterator[Draft]:
    for words in _AFRAID:
        if line.matches(at, words):
            phrase = thing(line, at + 2)
            if (
                phrase
                and not one_person(phrase)
                and (said.verb.tense != "past" or lasting(line, said.opened, said.verb, phrase.next))
            ):
                yield said.draft("fear", "afraid of", phrase)


def _skill(said: Said, line: Line, at: int) -> Iterator[Draft]:
    if line.matches(at, "fluent in") or line.matches(at, "conversant in"):
        if found := listed(line, at + 2, "languages", "signed"):
            yield said.draft("skill", "fluent in", found)
        return
    if line.word(at) not in _GOOD | _BAD or line.word(at + 1) not in {"at", "with", "in"}:
        return
    phrase = thing(line, at + 2)
    if phrase is None or (said.verb.tense == "past" and not lasting(line, said.opened, said.verb, phrase.next)):
        return
    if line.word(at) in _GOOD:
        yield said.draft("skill", "good at", phrase)
    elif not said.verb.negated:
        yield replace(said.draft("skill", "good at", phrase), polarity=NEGATED)


def _from(said: Said, line: Line, at: int) -> Iterator[Draft]:
    if said.verb.negated:
        return
    if (
        line.word(at) == "married"
        and line.word(at + 1) not in {"in", "at", "on", "by", "off"}
        and said.verb.tense != "past"
    ):
        yield said.draft("family", "married", Phrase("married", "married", at, at + 1))
    for lead, kind, predicate in (
        ("from", "origin", "from"),
        ("a native of", "origin", "from"),
        ("based in", "residence", "based in"),
    ):
        if line.matches(at, lead) and (found := place(line, at + len(lead.split()))):
            yield said.draft(kind, predicate, found)


def _family(said: Said, line: Line, at: int) -> Iterator[Draft]:
    """From "the youngest of seven children", "an only child"."""
    words = lexicon()
    start = at + 1 if line.word(at) in {"the", "an"} else at
    if line.word(start) not in words["family_ranks"] or said.verb.negated:
        return
    end = line.skip(start + 1, words["kin"] | words["number_words"] | {"of", "my", "parents", "'s"})
    shown = [word for word in line.words[start:end] if word not in {"my", "'s", "parents"}]
    if words["kin"] & set(shown) and shown[-1] != "of" and follows_well(line, end):
        yield said.draft("family", "is the", Phrase(" ".join(shown[:5]), " ".join(shown[:5]), start, end))


def _allergic(said: Said, line: Line, at: int) -> Iterator[Draft]:
    if line.matches(at, "allergic to") and not said.verb.negated:
        for phrase in things(line, at + 2):
            yield said.draft("health", "allergic to", phrase, sensitive=True)


def _student(said: Said, line: Line, at: int) -> Iterator[Draft]:
    if (line.matches(at, "a student at") or line.matches(at, "a student in")) and not said.verb.negated:
        found = institution(line, at + 3)
        if found:
            yield said.draft("studies", "student at", found)


def _role(said: Said, line: Line, at: int) -> Iterator[Draft]:
    found = role(line, at, "occupations", "roles", bare=True)
    if found is None or said.verb.negated or said.verb.progressive:
        return
    after = found.phrase.next
    if not (line.word(after) in _AFTER_ROLE or is_gerund(line.word(after)) or follows_well(line, after, loose=True)):
        return
    # Without an article only in the present and at the end of a clause: "im a dev" but not "I was host to".
    if not found.article and (said.verb.tense == "past" or line.word(after) not in _OPEN_ENDED | {"at", "from", "by"}):
        return
    student = found.head in lexicon()["student_nouns"]
    if student and said.verb.tense == "past" and found.phrase.slot == found.head:
        return
    kind = "studies" if student else "skill" if found.graded else "occupation"
    yield said.draft(kind, "is", found.phrase, tense="past" if found.former else "")


def _self(said: Said, line: Line, at: int) -> Iterator[Draft]:
    """From "I'm an introvert", "I'm not a morning person", "I am Welsh"."""
    words = lexicon()
    if line.word(at) in words["nationalities"] and line.capital(at) and line.word(at + 1) in _OPEN_ENDED:
        yield said.draft("identity", "is", Phrase(line.word(at), line.word(at), at, at + 1, proper=True))
        return
    found = role(line, at, "self_nouns", "nationalities")
    if found is None or not (
        follows_well(line, found.phrase.next) or line.word(found.phrase.next) in {"who", "of", "at"}
    ):
        return
    sensitive = found.head in words["sensitive_nouns"]
    if found.head in words["nationalities"] and found.phrase.slot != found.head:
        return
    if said.verb.tense == "past" and not sensitive and not lasting(line, said.opened, said.verb, found.phrase.next):
        return
    kind = "family" if found.head in words["parents"] else "identity"
    yield said.draft(kind, "is a", found.phrase, sensitive=sensitive)


def _described(said: Said, line: Line, at: int) -> Iterator[Draft]:
    """From "I am a very patient person", "I was a shy child"."""
    words = lexicon()
    if line.word(at) not in {"a", "an"}:
        return
    index = line.skip(at + 1, words["adverbs"] | {"little", "small", "young"})
    adjectives: list[int] = []
    while line.word(index) in words["trait_adjectives"] or (adjectives and line.word(index) in {",", "and"}):
        if line.word(index) in words["trait_adjectives"]:
            adjectives.append(index)
        index += 1
    index = line.skip(index, {"little", "small", "young", "old"})
    person = line.word(index)
    if not adjectives or person not in _PERSON or not follows_well(line, index + 1):
        return
    if (
        said.verb.tense == "past"
        and person not in {"child", "boy", "girl", "kid"}
        and not lasting(line, said.opened, said.verb, index + 1)
    ):
        return
    for adjective in adjectives:
        slot = line.word(adjective)
        yield said.draft(
            "self",
            "is",
            Phrase(slot, fold([slot]), adjective, adjective + 1),
            sensitive=slot in words["sensitive_adjectives"],
        )


def _trait(said: Said, line: Line, at: int) -> Iterator[Draft]:
    """From "I have always been shy and clumsy"; not "I was careful to", "I am proud of you", "I am lazy today"."""
    words, verb = lexicon(), said.verb
    for lead in ("a bit", "a little", "a tad", "a trifle", "by nature"):
        at += len(lead.split()) if line.matches(at, lead) else 0
    at = line.skip(at, words["adverbs"])
    found = []
    index = at
    while line.word(index) in words["trait_adjectives"]:
        found.append(index)
        index += 1
        following = line.skip(index + 1, words["adverbs"])
        if line.word(index) in {"and", ",", "or"} and line.word(following) in words["trait_adjectives"]:
            index = following
    tail = any(line.matches(index, words_behind) for words_behind in _TRAIT_TAILS)
    if not found or not (tail or line.word(index) in _OPEN_ENDED) or "too" in line.words[verb.at : at]:
        return
    # "I am not impatient but anxious" is about the moment.
    if verb.negated and line.word(index) in {"but", "—"}:
        return
    always = (
        tail
        or verb.often in {"always", "usually", "constantly", "never"}
        or bool({"generally", "naturally"} & set(verb.adverbs))
    )
    if verb.tense == "perfect" and not always:
        return
    if verb.tense == "past" and not (always or lasting(line, said.opened, verb, index)):
        return
    for adjective in found:
        slot = line.word(adjective)
        if always or slot not in words["momentary"]:
            kind = "identity" if slot in words["sensitive_nouns"] else "self"
            yield said.draft(
                kind,
                "is",
                Phrase(slot, fold([slot]), adjective, adjective + 1),
                sensitive=slot in words["sensitive_adjectives"],
            )
