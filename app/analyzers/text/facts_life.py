"""What "I" and a verb say about somebody's life: work, studies, places, family, what they have and can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import lasting
from app.analyzers.text.facts_draft import AFFIRMED, NEGATED, Draft, Said
from app.analyzers.text.facts_inflect import gerund
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase, fold, follows_well, infinitive, noun, run, text_of
from app.analyzers.text.facts_roles import Role, institution, listed, named, place, relatives, role

_ROLES = ("occupations", "roles")
_LIVING = {
    "live": "lives",
    "reside": "lives",
    "move": "moved to",
    "emigrate": "moved to",
    "settle": "settled",
    "come": "from",
    "bear": "born",
    "grow": "grew up",
    "bring": "grew up",
    "raise": "grew up",
    "breed": "grew up",
}
_ENTERPRISE = {
    "own": "owns",
    "run": "runs",
    "start": "started",
    "open": "opened",
    "set": "set up",
    "establish": "established",
    "found": "founded",
    "cofound": "founded",
    "co-found": "founded",
}
#: What may follow "I don't eat meat" without narrowing it to an hour or a place.
_AT_ALL = frozenset(["", ".", ",", ";", "!", "—", "and", "or", "but", "because", "anymore", "since", "so"])
_UNDERSTANDS = {"speak": "speaks", "read": "reads", "know": "knows", "understand": "understands", "write": "writes"}


def graded_skill(said: Said, found: Role) -> Draft:
    """From "I am a good cook": said of a skill, with the grade as it was given."""
    return said.draft("skill", "is a", found.phrase)


def work(said: Said) -> Iterator[Draft]:
    """From "I work as a nurse", "I've worked as a developer at Google", "I work in finance", "I work from home"."""
    line, words = said.line, lexicon()
    if said.verb.negated or said.verb.modal:
        return
    at = line.skip(said.verb.next, words["work_adverbs"])
    preposition = line.word(at)
    if preposition == "as":
        found = role(line, at + 1, *_ROLES, anyone=True, bare=True)
        if found:
            yield said.draft("occupation", "works as", found.phrase)
            yield from _employer(said, found.phrase.next)
    elif preposition in {"at", "for"}:
        yield from _employer(said, at)
    elif preposition == "in" and line.word(at + 1) in words["work_fields"] and follows_well(line, at + 2, loose=True):
        word = line.word(at + 1)
        yield said.draft("occupation", "works in", Phrase(word, word, at + 1, at + 2))
    elif line.matches(at, "from home") and said.verb.tense != "past" and follows_well(line, at + 2, loose=True):
        yield said.draft("habit", "regularly", Phrase("works from home", "work from home", at, at + 2))
    elif preposition == "with" and not said.verb.progressive and said.verb.tense != "past":
        group = noun(line, at + 1)
        if group and group.head in words["served"]:
            yield said.draft("occupation", "works with", group)


def _employer(said: Said, at: int) -> Iterator[Draft]:
    if said.line.word(at) in {"at", "for"} and (found := institution(said.line, at + 1)):
        yield said.draft("employer", "works at", found)


def employed(said: Said) -> Iterator[Draft]:
    """From "I was employed as a clerk", "I was trained as a physicist", "I was elected president of the club"."""
    line, at = said.line, said.verb.next
    if not said.verb.passive or said.verb.negated:
        return
    at += 1 if line.word(at) == "up" else 0
    if line.word(at) == "as":
        at += 1
    elif said.verb.lemma not in {"appoint", "elect", "choose", "make"}:
        return
    words = lexicon()
    raised = role(line, at, "self_nouns") if said.verb.lemma in {"educate", "raise", "bring", "breed"} else None
    if raised:
        yield said.draft("identity", "raised as a", raised.phrase, sensitive=raised.head in words["sensitive_nouns"])
        return
    found = role(line, at, *_ROLES, bare=True) if said.verb.lemma not in {"raise", "bring", "breed"} else None
    if found:
        yield said.draft(
            "occupation", "trained as" if said.verb.lemma in {"train", "educate"} else "works as", found.phrase
        )


def become(said: Said) -> Iterator[Draft]:
    """From "I became a teacher", "I soon became a thorough Deist"."""
    line, words = said.line, lexicon()
    if said.verb.negated or said.verb.modal or said.verb.tense == "present":
        return
    if found := role(line, said.verb.next, *_ROLES):
        if not found.graded and found.head not in lexicon()["student_nouns"]:
            yield said.draft("occupation", "became", found.phrase)
        return
    known = role(line, said.verb.next, "self_nouns")
    if known and follows_well(line, known.phrase.next, loose=True):
        kind = "family" if known.head in words["parents"] else "identity"
        yield said.draft(kind, "became", known.phrase, sensitive=known.head in words["sensitive_nouns"])


def teach(said: Said) -> Iterator[Draft]:
    """From "I teach physics", "I taught myself Spanish"."""
    line, at = said.line, said.verb.next
    if said.verb.negated or said.verb.modal:
        return
    if line.word(at) == "myself":
        found = learnable(line, at + 1)
        if found and said.verb.tense != "present":
            yield said.draft("skill", "taught themselves", found)
        return
    subject = listed(line, at, "studies", "languages", "instruments")
    if subject and subject.first == at and follows_well(line, subject.next, loose=True):
        yield said.draft("occupation", "teaches", subject)


def learnable(line: Line, at: int) -> Phrase | None:
    """From "to swim", "how to knit", "Spanish", "the cello": what a skill is named by."""
    words = lexicon()
    start = at + 1 if line.word(at) == "how" else at
    if line.word(start) == "to":
        found = infinitive(line, start) if line.word(start + 1) in words["skills"] else None
        return replace(found, slot=text_of(["to", line.word(start + 1), *found.slot.split()[1:]])) if found else None
    known = listed(line, at, "languages", "instruments", "programming", "games", "studies", "signed")
    if known is None or line.word(at) in {"a", "an"} or not follows_well(line, known.next, loose=True):
        return None
    return replace(known, slot=f"the {known.slot}") if line.word(at) == "the" else known


def learn(said: Said) -> Iterator[Draft]:
    """From "I learned to swim", "I learned Latin", "I'm learning Rust"."""
    found = learnable(said.line, said.verb.next)
    if found is None or said.verb.negated or said.verb.modal:
        return
    if said.verb.progressive:
        if said.verb.tense == "present":
            yield said.draft("goal", "is learning", found)
    elif said.verb.tense != "present":
        yield said.draft("skill", "learned", found)


def study(said: Said) -> Iterator[Draft]:
    """From "I study law", "I majored in history", "I graduated from Yale"."""
    line, at = said.line, said.verb.next
    if said.verb.negated or said.verb.modal:
        return
    if said.verb.lemma in {"major", "graduate"}:
        if line.word(at) == "in" and (found := listed(line, at + 1, "studies")):
            yield said.draft("studies", "studied", found, tense="past")
        elif line.word(at) == "from" and (school := named(line, at + 1)):
            yield said.draft("studies", "graduated from", school, tense="past")
        return
    if subjects := _subjects(line, at):
        yield from (said.draft("studies", "studied", subject) for subject in subjects)
    elif line.word(at) == "at" and (school := named(line, at + 1)):
        yield said.draft("studies", "studied at", school)


def _subjects(line: Line, at: int) -> list[Phrase]:
    """From "French, German and Latin"."""
    found: list[Phrase] = []
    while (
        (subject := listed(line, at, "studies", "languages"))
        and subject.first == at
        and follows_well(line, subject.next, loose=True)
    ):
        found.append(subject)
        at = line.skip(subject.next, {",", "and", "&"})
    return found


def live(said: Said) -> Iterator[Draft]:
    """From "I live in Bath", "I live alone", "I grew up on a farm", "I moved to Colorado", "I was born in Kerala"."""
    line, at, words = said.line, said.verb.next, lexicon()
    lemma = said.verb.lemma
    if said.verb.negated or said.verb.modal or (said.verb.progressive and lemma != "live"):
        return
    if (
        lemma == "live"
        and line.word(at) == "alone"
        and said.verb.tense == "present"
        and follows_well(line, at + 1, loose=True)
    ):
        yield said.draft("residence", "lives", Phrase("alone", "alone", at, at + 1))
        return
    if lemma in {"grow", "bring"} and line.word(at) != "up":
        return
    at = line.skip(at, words["living_adverbs"])
    wanted = {"move": {"to"}, "emigrate": {"to"}, "come": {"from"}, "settle": {"in"}}.get(lemma, {"in", "near", "on"})
    preposition = line.word(at)
    found = place(line, at + 1) if preposition in wanted else None
    if found is None or (lemma == "come" and said.verb.tense != "present") or (preposition == "on" and found.proper):
        return
    predicate = _LIVING[lemma] + (f" {preposition}" if lemma not in {"move", "emigrate", "come"} else "")
    yield said.draft(
        "residence" if lemma in {"live", "reside", "move", "emigrate", "settle"} else "origin", predicate, found
    )


def have(said: Said) -> Iterator[Draft]:
    """From "I have two daughters", "I have a dog", "I have asthma", "I have a degree in law"."""
    line, at = said.line, said.verb.next
    if said.verb.modal:
        return
    if found := relatives(line, at):
        draft = said.draft("family", "has", found)
        yield replace(draft, polarity=NEGATED) if line.word(at) == "no" else draft
        pair = line.skip(found.next, {"and"})
        if pair > found.next and (second := relatives(line, pair)):
            yield said.draft("family", "has", second)
        return
    if said.verb.negated:
        if line.word(line.skip(at, {"any"})) in {"children", "kids", "siblings"}:
            start = line.skip(at, {"any"})
            yield said.draft("family", "has", Phrase(line.word(start), fold([line.word(start)]), start, start + 1))
        return
    start = line.skip(at, {"a", "an", "two", "three", "four", "several", "own"})
    start = line.skip(start, lexicon()["having_adjectives"])
    yield from _having(said, at, start)


def _having(said: Said, at: int, start: int) -> Iterator[Draft]:
    line = said.line
    before = line.word(start - 1) if start > at else ""
    shown = line.words[at:start]
    if start > at and (pet := listed(line, start, "pets")) and _ends(line, pet.next):
        yield said.draft("pet", "has", Phrase(" ".join([*shown[-3:], pet.slot]), pet.lemma, at, pet.next))
    elif (
        (condition := listed(line, start, "conditions"))
        and follows_well(line, condition.next, loose=True)
        and before not in {"a", "the"}
    ):
        if said.verb.tense != "past":
            yield said.draft("health", "has", condition, sensitive=True)
    elif (
        before
        and (owned := listed(line, start, "possessions"))
        and _ends(line, owned.next)
        and said.verb.tense == "present"
    ):
        yield said.draft("possession", "has", replace(owned, slot=" ".join([*shown[-3:], owned.slot])))
    else:
        after = line.skip(at, lexicon()["degrees"])
        if after - at >= 2 and line.word(after) == "in" and (subject := listed(line, after + 1, "studies")):
            yield said.draft("studies", "has a degree in", subject)


def _ends(line: Line, at: int) -> bool:
    return follows_well(line, at, loose=True) or line.word(at) in {"named", "called", "who", "which", "that"}


def own(said: Said) -> Iterator[Draft]:
    """From "I own a bakery", "I keep bees", "I run a small shop", "I founded a magazine"."""
    line, at, words = said.line, said.verb.next, lexicon()
    lemma = said.verb.lemma
    if said.verb.negated or said.verb.modal:
        return
    start = line.skip(at, {"two", "three", "few", "a"})
    pet = listed(line, start, "pets") if lemma in {"keep", "own"} and said.verb.tense == "present" else None
    if pet and _ends(line, pet.next):
        yield said.draft(
            "pet", "keeps" if lemma == "keep" else "has", replace(pet, slot=" ".join([*line.words[at:start], pet.slot]))
        )
        return
    at += 1 if lemma == "set" and line.word(at) == "up" else 0
    if line.word(at) not in {"a", "an", "my"} or (lemma == "set" and at == said.verb.next):
        return
    owned = listed(line, at, "possessions")
    if lemma == "own" and owned and _ends(line, owned.next):
        yield said.draft("possession", "has", replace(owned, slot=f"{line.word(at)} {owned.slot}"))
        return
    begin = line.skip(at + 1, {"own", "first", "second", "last", "new", "next", "little"})
    after = run(line, begin, 3)
    if (
        after > begin
        and line.word(after - 1) in words["enterprises"]
        and not (lemma not in {"own", "run", "keep"} and said.verb.tense == "present")
    ):
        group = line.words[begin:after]
        article = line.word(at) if line.word(at) != "my" else "an" if group[0][0] in "aeiou" else "a"
        if lemma != "keep":
            yield said.draft(
                "occupation", _ENTERPRISE[lemma], Phrase(text_of([article, *group]), fold(group), begin, after)
            )


def play(said: Said) -> Iterator[Draft]:
    """From "I play the cello", "I can play chess", "I used to play rugby", "I don't play golf"."""
    line, at = said.line, said.verb.next
    if said.verb.modal not in {"", "can"} or said.verb.progressive or line.word(at) in {"a", "an"}:
        return
    definite = line.word(at) == "the"
    instrument = listed(line, at, "instruments")
    found = instrument or (listed(line, at, "games") if not definite else None)
    if found is None or not follows_well(line, found.next, loose=True):
        return
    tail = line.words[found.next : found.next + 2]
    if said.verb.tense != "present" and not (
        lasting(line, said.opened, said.verb, found.next) or tail[:1] == ["for"] or tail == ["in", "the"]
    ):
        return
    yield said.draft("skill", "plays", replace(found, slot=f"the {found.slot}") if instrument and definite else found)


def speak(said: Said) -> Iterator[Draft]:
    """From "I speak Welsh and French", "I can read Braille", "I don't speak German", "I know Python"."""
    line, verb = said.line, said.verb
    if (
        verb.modal not in {"", "can"}
        or verb.progressive
        or (verb.lemma in {"read", "write", "understand"} and verb.modal != "can")
    ):
        return
    at = line.skip(verb.next, lexicon()["language_degrees"])
    denied = verb.negated != ("no" in line.words[verb.next : at])
    if (verb.tense == "past" and verb.often != "used to") or (verb.lemma == "know" and denied):
        return
    names = ("languages", "signed", "programming") if verb.lemma == "know" else ("languages", "signed")
    while (found := listed(line, at, *names)) and (
        follows_well(line, found.next, loose=True) or line.word(found.next) == "fluently"
    ):
        yield replace(said.draft("skill", _UNDERSTANDS[verb.lemma], found), polarity=NEGATED if denied else AFFIRMED)
        at = line.skip(found.next, {",", "and", "&", "or"})
        if at == found.next:
            return


def can(said: Said) -> Iterator[Draft]:
    """From "I can swim", "I can't cook"."""
    line, verb = said.line, said.verb
    if verb.modal != "can" or verb.tense == "past" or verb.lemma not in lexicon()["self_powers"]:
        return
    at = line.skip(verb.next, {"at", "all", "well", "very"})
    if line.word(at) in {"", ".", ",", ";", "!", "and", "but", "or", "—"}:
        yield said.draft("skill", "can", Phrase(verb.lemma, fold([gerund(verb.lemma)]), verb.at, verb.next))


def suffer(said: Said) -> Iterator[Draft]:
    """From "I suffer from migraines", "I was diagnosed with asthma"."""
    line, at = said.line, said.verb.next
    if line.word(at) not in {"from", "with"} or said.verb.negated or said.verb.modal:
        return
    found = listed(line, line.skip(at + 1, lexicon()["having_adjectives"]), "conditions")
    if found and (said.verb.lemma == "diagnose" or said.verb.tense != "past"):
        yield said.draft("health", "has", found, sensitive=True)


def consume(said: Said) -> Iterator[Draft]:
    """From "I don't eat meat", "I don't drink", "I gave up smoking", "I quit coffee"."""
    line, at, verb = said.line, said.verb.next, said.verb
    substances = lexicon()["substances"]
    if verb.modal or verb.progressive:
        return
    if verb.lemma in {"give", "quit", "stop"}:
        at = at + 1 if verb.lemma == "give" and line.word(at) == "up" else at if verb.lemma != "give" else len(line)
        at = line.skip(at, {"drinking", "eating"}) if line.word(at + 1) in substances else at
        if (
            line.word(at) in substances
            and follows_well(line, at + 1, loose=True)
            and verb.tense != "present"
            and not verb.negated
        ):
            yield said.draft("diet", "gave up", Phrase(line.word(at), fold([line.word(at)]), at, at + 1))
        return
    if not verb.negated or verb.tense == "past":
        return
    at = line.skip(at, {"any", "much"})
    if verb.lemma in {"drink", "smoke"} and line.word(at) in _AT_ALL:
        yield said.draft("diet", "abstains", Phrase(verb.lemma, verb.lemma, verb.at, verb.next))
    elif line.word(at) in substances and line.word(at + 1) in _AT_ALL and verb.lemma in {"eat", "drink", "smoke"}:
        yield said.draft("diet", verb.lemma, Phrase(line.word(at), line.word(at), at, at + 1))
