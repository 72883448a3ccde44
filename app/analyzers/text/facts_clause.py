"""Clauses in the first person: whether an "I" speaks for itself, and what its verb is.

A statement counts only where its subject opens a clause of its own: at the beginning, after a conjunction or a comma, after "I think
that" or a time phrase. It does not count inside a relative clause, a condition, a question, a wish, or what others say and think.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.analyzers.text.facts_lexicon import BASE, GERUND, PARTICIPLE, PAST, lexicon
from app.analyzers.text.facts_line import BARRIER, Line
from app.analyzers.text.facts_phrase import adverb
from app.analyzers.text.facts_words import word_set

_STRONG_MARKS = frozenset([";", ":", "—", "(", ".", "…", "!", BARRIER])
_BE = word_set("am 'm was are 're were is 's be been being")
_BE_NOW = frozenset(["am", "'m", "are", "'re", "is"])
_HAVE = frozenset(["have", "'ve", "had", "has"])
_DO = frozenset(["do", "did", "does"])
_HOW_OFTEN = word_set(
    "always usually normally typically often frequently regularly constantly rarely seldom habitually invariably"
)
#: A past that was more than one occasion: these in the time phrase before the subject or right behind the object.
_ONLY_PARTLY = word_set("necessarily entirely only just particularly especially exactly completely totally quite")
_LIFE_PHASES = word_set(
    "child boy girl kid lad teenager teen childhood boyhood girlhood youth infancy young younger little days"
)
_UNREAL = word_set("dream dreams nightmare story game novel film movie play fantasy simulation character role")


@dataclass(slots=True)
class Opening:
    """What stands before the subject.

    Attributes:
        plain: 1.0 for a plain statement; less behind "I think".
        lead: words of the time phrase before it: ("every", "morning").
        timed: inside a factual time clause ("when I was a nurse"); true of the past only.
    """

    plain: float = 1.0
    lead: tuple[str, ...] = ()
    timed: bool = False


@dataclass(slots=True)
class Verb:
    """A verb group with a first-person subject.

    Attributes:
        lemma: of the main verb.
        tense: present, past or perfect.
        at: index of the main verb.
        next: index behind it.
        negated: "not", "never", "no longer".
        modal: "can", "would" and so on; empty where there is none.
        progressive: "am working".
        passive: "was born".
        often: word of frequency: "always", "never", "used to"; empty where there is none.
        firm: number of adverbs that make it plainer.
        soft: number of adverbs that take something back.
        adverbs: all of them.
    """

    lemma: str
    tense: str
    at: int
    next: int
    negated: bool = False
    modal: str = ""
    progressive: bool = False
    passive: bool = False
    often: str = ""
    firm: int = 0
    soft: int = 0
    adverbs: list[str] = field(default_factory=list)


def stated(line: Line) -> bool:
    """Whether the sentence states anything: no question, no marked joke."""
    words = lexicon()
    if line.word(len(line) - 2) == "?" or line.sentence.quoted:
        return False
    shown = line.text[line.sentence.start : line.sentence.end].lower()
    return not any(word in words["jokes"] for word in line.words) and "/s" not in shown.split()


def grin(line: Line) -> bool:
    """Whether the sentence is said with a grin, and so perhaps not meant."""
    shown = line.text[line.sentence.start : line.sentence.end].lower()
    words = lexicon()["grins"]
    return any(part in words or part.rstrip(".,!?") in words for part in shown.split()) or any(
        mark in shown for mark in "😂🤣😜😝😉🙃😹"
    )


def clause_start(line: Line, index: int) -> int:
    """Index of the first word of the clause that holds this word: behind the last strong mark."""
    while index > 0 and line.words[index - 1] not in _STRONG_MARKS:
        index -= 1
    return index


def opening(line: Line, index: int) -> Opening | None:
    """What stands before a subject; None where the clause is not the person's plain statement."""
    words = lexicon()
    begin = clause_start(line, index)
    if any(word in words["hypothetical"] for word in line.words[begin:index]) or "?" in line.words[index:]:
        return None
    plain = _matrix(line, begin, index)
    if plain is None:
        return None
    if plain < 0:
        return _plain_opening(line, begin, index)
    return Opening(plain=plain)


def _matrix(line: Line, begin: int, index: int) -> float | None:
    """How plain "I think that I" is: below 0 where nobody's saying or thinking governs the clause, None where somebody else's does."""
    words = lexicon()
    at = index - 1
    that = line.word(at) == "that"
    if that:
        at -= 1
    for back in range(at, max(begin - 1, at - 14), -1):
        word = line.words[back]
        if word not in words["reporting"] and word not in words["own_matrix"]:
            continue
        owner = back - 1
        while owner >= begin and (line.words[owner] in words["adverbs"] or line.words[owner] in words["auxiliaries"]):
            owner -= 1
        adjacent = back == at
        if line.word(owner) in {"i", "to"} and owner >= begin:
            if not adjacent:
                continue
            if word not in words["own_matrix"] or any(w in words["negations"] for w in line.words[owner:back]):
                return None
            return 0.8 if word in words["soft_matrix"] else 1.0
        if adjacent or "that" in line.words[back:index]:
            return None
    if that:
        return (
            1.0
            if line.word(at) in {"is", "out", "fact", "truth", "sure", "afraid", "glad", "proud", "happy"}
            and line.word(at - 1) != "not"
            else None
        )
    return -1.0


def _plain_opening(line: Line, begin: int, index: int) -> Opening | None:
    words = lexicon()
    lead = _lead(line, begin, index)
    if lead is not None:
        return None if _UNREAL & set(lead) else Opening(lead=lead)
    at = _joint(line, index) - 1
    if (
        line.matches(at - 2, "that 's why")
        or line.matches(at - 2, "which is why")
        or line.matches(at - 2, "that is why")
    ):
        return Opening()
    timed = False
    while at >= begin:
        word = line.words[at]
        if word == ",":
            break
        if word in words["time_openers"]:
            timed = True
            break
        if word == "as":
            if line.word(at - 1) in {",", ""} or at == begin:
                break
            return None
        if word not in words["openers"] and word not in words["fillers"] and word not in words["firm_adverbs"]:
            return None
        at -= 1
    return Opening(timed=timed)


def _joint(line: Line, index: int) -> int:
    """Where a joint subject begins: "my wife and I", "Anna and I"."""
    words = lexicon()
    if line.word(index - 1) != "and":
        return index
    if line.word(index - 2) in words["kin"] and line.word(index - 3) == "my":
        return index - 3
    return index - 2 if line.word(index - 2) in words["given_names"] and line.capital(index - 2) else index


def _lead(line: Line, begin: int, index: int) -> tuple[str, ...] | None:
    """Words of the time phrase directly before the subject: "At the end of each week,"."""
    words = lexicon()
    end = index - 1 if line.word(index - 1) == "," else index
    at = end - 1
    while at >= begin and line.words[at] != "," and end - at <= 9:
        at -= 1
    first = line.skip(at + 1, words["openers"])
    first += 2 if line.matches(first, "it was") else 0
    phrase = tuple(line.words[first:end])
    if not phrase or phrase[0] not in words["time_leads"] or len(phrase) > 9:
        return None
    then = phrase[-1] == "time" and phrase[-2] in {"this", "that", "some"}
    if phrase[-1] not in words["time_nouns"] and not phrase[-1].isdigit() and not then:
        return phrase if line.word(index - 1) == "," and not _verbal(phrase) else None
    return phrase


def _verbal(phrase: tuple[str, ...]) -> bool:
    words = lexicon()
    return any(word in words["auxiliaries"] or word in {"i", "you", "he", "she", "we", "they", "it"} for word in phrase)


def lasting(line: Line, opened: Opening, verb: Verb, after: int) -> bool:
    """Whether a past statement is about more than one occasion: "always", "used to", "as a child"."""
    if verb.often or verb.tense != "past" or _LIFE_PHASES & set(opened.lead):
        return True
    tail = line.words[after : after + 6]
    return bool(tail and tail[0] in {"as", "when", "from", "in", "all"} and _LIFE_PHASES & set(tail))


def verb_group(line: Line, index: int) -> Verb | None:
    """The verb of the subject before this index; None where it is not understood."""
    words = lexicon()
    found = Verb(lemma="", tense="", at=-1, next=-1)
    chain: list[str] = []
    at = index
    while at < len(line):
        word = line.words[at]
        if word == ",":
            at = _parenthesis(line, at)
            if at < 0:
                return None
        elif word in words["spoilers"]:
            return None
        elif word == "no" and line.word(at + 1) == "longer":
            found.negated = True
            at += 1
        elif word in words["negations"]:
            found.negated = not found.negated
            found.often = "never" if word == "never" else found.often
        elif word in words["adverbs"] or (adverb(word) and line.word(at + 1) not in {"", ".", ","}):
            # "I don't always like" denies the "always" and not the liking.
            if found.negated and word in _HOW_OFTEN | _ONLY_PARTLY:
                return None
            found.adverbs.append(word)
        elif line.matches(at, "kind of") or line.matches(at, "sort of"):
            found.soft += 1
            at += 1
        elif word in words["auxiliaries"] and not (chain and _main_have(line, at, chain)):
            chain.append(word)
        else:
            break
        at += 1
    else:
        return None
    found.firm = sum(1 for word in found.adverbs if word in words["firm_adverbs"])
    found.soft += sum(1 for word in found.adverbs if word in words["soft_adverbs"])
    found.often = found.often or next((word for word in found.adverbs if word in _HOW_OFTEN), "")
    return _resolve(line, at, chain, found)


def _main_have(line: Line, at: int, chain: list[str]) -> bool:
    """Whether a "have" or "do" behind an auxiliary is the main verb: "do have", "would have" is not asked for."""
    return line.words[at] in {"have", "do"} and chain[-1] in {"do", "did", "can", "'ll", "will"}


def _parenthesis(line: Line, at: int) -> int:
    """Index of the comma that closes a short insertion of adverbs ("I, too, am"); -1 where it is something else."""
    words = lexicon()
    for end in range(at + 2, min(at + 6, len(line))):
        if line.words[end] == ",":
            inside = line.words[at + 1 : end]
            known = words["adverbs"] | {
                "by",
                "nature",
                "at",
                "heart",
                "of",
                "course",
                "for",
                "one",
                "like",
                "him",
                "her",
                "them",
                "in",
                "general",
            }
            return end if all(word in known for word in inside) else -1
    return -1


def _resolve(line: Line, at: int, chain: list[str], found: Verb) -> Verb | None:
    words = lexicon()
    word = line.words[at]
    found.at, found.next = at, at + 1
    modal = next((a for a in chain if a in words["modals"]), "")
    if "'d" in chain:
        perfect = words.forms.get(word, ("", ""))[1] in {PARTICIPLE, PAST} or "been" in chain
        modal = modal or ("" if perfect else "would")
    found.modal = {"ca": "can", "could": "can", "'ll": "will", "wo": "will"}.get(modal, modal)
    if modal == "could":
        found.tense = "past"
    last = chain[-1] if chain else ""
    lemma, form = words.forms.get(word, ("", ""))
    if last in _BE:
        return _resolve_be(line, at, chain, found, lemma, form)
    if last in _HAVE or (last == "'d" and not modal):
        if word == "to":
            return None
        if form in {PAST, PARTICIPLE} or (not lemma and word.endswith("ed") and line.is_word(at)):
            found.lemma, found.tense = lemma or word, "past" if "had" in chain or "'d" in chain else "perfect"
            return found
        found.lemma, found.at, found.next = "have", at - 1, at
        found.tense = (
            "present"
            if chain == [last] and last != "had" and last != "'d"
            else "past"
            if chain[0] in {"had", "'d"}
            else "perfect"
        )
        return found
    if not line.is_word(at) or (word in words["function"] and not lemma):
        return None
    return _resolve_simple(line, at, chain, found, lemma, form)


def _resolve_be(line: Line, at: int, chain: list[str], found: Verb, lemma: str, form: str) -> Verb | None:
    """From "am", "was", "have been", with what follows: progressive, passive, or a complement."""
    words = lexicon()
    word = line.words[at]
    if set(chain) & _HAVE or "'d" in chain:
        found.tense = "past" if {"had", "'d"} & set(chain) else "perfect"
    else:
        found.tense = "present" if set(chain) & _BE_NOW and "was" not in chain else "past"
    if found.modal:
        return None
    if form == GERUND and word != "being" and line.word(at - 1) not in words["articles"]:
        found.lemma, found.progressive = lemma, True
        return found
    if (
        form in {PARTICIPLE, PAST}
        and word in words.participles
        and word not in {"set", "cut", "married", "retired", "divorced"}
    ):
        found.lemma, found.passive = lemma, True
        return found
    found.lemma, found.at, found.next = "be", at - 1, at
    return found


def _resolve_simple(line: Line, at: int, chain: list[str], found: Verb, lemma: str, form: str) -> Verb | None:
    word = line.words[at]
    if word == "used" and line.word(at + 1) == "to" and not chain:
        inner = line.skip(at + 2, lexicon()["adverbs"])
        base = line.word(inner)
        found.tense, found.often = "past", "used to"
        found.lemma, form_of = lexicon().forms.get(base, (base, BASE))
        found.at, found.next = inner, inner + 1
        return found if form_of == BASE and line.is_word(inner) else None
    found.lemma = lemma or word
    if chain:
        found.tense = found.tense or ("past" if chain[0] == "did" else "present")
        return found if form in {"", BASE} or word in {"read", "set", "put", "cut", "run", "come", "become"} else None
    if form in {PARTICIPLE, GERUND} and word not in {"run", "come", "become"}:
        return None
    past = form == PAST or (not form and word.endswith("ed"))
    found.tense = "past" if past and word not in {"read", "set", "put", "cut", "bake"} else "present"
    return found
