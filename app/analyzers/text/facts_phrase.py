"""Object phrases: what somebody loves, plays, believes in.

A chunk grammar without a tagger: an object is a bare noun group ("jazz", "board games"), a gerund or infinitive with
its complement ("working with nonprofits"), or a generic definite ("the sea"). Whatever points into its surroundings
(this, your, the film, books that ...) is no object, because a reader of the single sentence could not say what is
meant.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.analyzers.text.facts_inflect import base_of, gerund, singular
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import BARRIER, Line
from app.analyzers.text.facts_words import word_set

_MOST_WORDS = 5
#: Marks at which a phrase may end; after any other mark the structure is not understood.
_ENDS = frozenset([",", ".", ";", ":", "—", "(", ")", "!", "?", "…", "", BARRIER])
#: Words that may follow an object without changing it; behind a noun these narrow what it means ("people from Mars").
_AFTER = word_set(
    "and but or because since so although though while than on at during for before after when & plus not "
    "until till throughout every each all"
)
#: Prepositions that may follow an activity and leave what it is: "speaking at conferences"; not "walking into a shop".
_MANNER = word_set("in at on for with about")
_NARROWING = word_set("from in with of by through without about into onto under over")
#: An adjective that ends a group before a comma belongs to the next one: "universal, free suffrage".
_ADJECTIVE_ENDINGS = ("ous", "ful", "less", "able", "ible", "ive", "sal", "nal", "ral", "cal")


@dataclass(frozen=True, slots=True)
class Phrase:
    """An object.

    Attributes:
        slot: how it is named: in lower case, at most five words.
        lemma: what it is counted as: without articles, singular, base form, synonyms folded.
        first: index of its first word in the line.
        next: index behind its last word.
        gerund: whether it is an activity.
        proper: whether a word of it is capitalised inside the sentence.
    """

    slot: str
    lemma: str
    first: int
    next: int
    gerund: bool = False
    proper: bool = False

    @property
    def head(self) -> str:
        """Its last word."""
        return self.slot.rpartition(" ")[2]


def adverb(word: str) -> bool:
    """Whether the word is an adverb by its ending."""
    return len(word) > 4 and word.endswith("ly") and word not in lexicon()["ly_words"]


def is_gerund(word: str) -> bool:
    """Whether the word is a verb in -ing and not a noun that only ends so."""
    return len(word) > 4 and word.endswith("ing") and word not in lexicon()["ing_nouns"]


def _participle(word: str) -> bool:
    return len(word) > 4 and word.endswith("ed") and word not in lexicon()["ed_nouns"]


def _content(line: Line, index: int) -> bool:
    """Whether the word can belong to a noun group."""
    word = line.word(index)
    if not line.is_word(index) or not word[0].isalpha():
        return False
    words = lexicon()
    return word not in words["function"] and word not in words["stops"] and not adverb(word)


def run(line: Line, index: int, most: int = _MOST_WORDS) -> int:
    """Index behind the content words that begin here; -1 where there are more of them than a noun group has."""
    start = index
    while _content(line, index):
        index += 1
        if line.word(index) == "'s" and _content(line, index + 1):
            index += 1
    return index if index - start <= most else -1


def text_of(words: list[str]) -> str:
    """Words as they are written, possessives joined."""
    return " ".join(words).replace(" 's", "'s")


def fold(words: list[str]) -> str:
    """What a phrase counts as."""
    known = lexicon()
    pieces = [word for word in words if word not in known["articles"] and word != "their"]
    while len(pieces) > 1 and pieces[0] in known["evaluative"]:
        pieces = pieces[1:]
    if not pieces:
        return ""
    if is_gerund(pieces[0]):
        pieces[0] = base_of(pieces[0])
    pieces[-1] = singular(pieces[-1])
    joined = text_of(pieces)
    return known.folds.get(joined, joined)


def phrase(line: Line, first: int, after: int, words: list[str], *, activity_: bool = False) -> Phrase | None:
    """A phrase over these words; None where it is empty or too long to be a name."""
    if not words or len(words) > _MOST_WORDS:
        return None
    proper = any(line.capital(at) for at in range(max(first, 1), after))
    return Phrase(text_of(words), fold(words), first, after, activity_, proper)


def follows_well(line: Line, index: int, *, loose: bool = False) -> bool:
    """Whether an object may end before this word: not before a relative clause, a verb or another subject.

    Args:
        line: the sentence.
        index: behind the object.
        loose: whether a preposition that tells more of it is welcome ("a nurse in Leeds").
    """
    words = lexicon()
    index += 2 if line.matches(index, "a lot") else 3 if line.matches(index, "a great deal") else 0
    while line.word(index) in words["stops"] or line.word(index) in words["firm_adverbs"] or adverb(line.word(index)):
        index += 1
    word = line.word(index)
    if word == ",":
        return line.word(index + 1) not in {"which", "whose"}
    if word == "as":
        return line.word(index + 1) in {"well", "much"}
    return word in _ENDS or word in _AFTER or (loose and word in _NARROWING)


def noun(line: Line, index: int, *, strict: bool = True) -> Phrase | None:
    """A noun group that a reader understands by itself.

    Args:
        line: the sentence.
        index: where it must begin.
        strict: whether what follows must be a good end.
    """
    words = lexicon()
    article = line.word(index)
    if article in words["foreign_possessives"] or article in words["demonstratives"] or article in words["possessives"]:
        return None
    start = index + 1 if article in {"a", "an", "the", "all"} else index
    inner = line.skip(start, words["evaluative"])
    if not _content(line, inner):
        inner = start
    after = run(line, inner)
    if after <= inner:
        return None
    head = line.word(after - 1)
    group = line.words[inner:after]
    if article == "the" and not _generic(line, after, group):
        return None
    if line.word(after) == "of":
        return _with_of(line, index, after, strict=strict)
    if not _names_something(line, group, after) or (strict and not follows_well(line, after)):
        return None
    first = start if article == "all" else index
    return phrase(line, first, after, line.words[first:after]) if head != "general" else None


def _names_something(line: Line, group: list[str], after: int) -> bool:
    words = lexicon()
    head = group[-1]
    if head in words["vague"] or head in words["evaluative"] or len(head) < 2 or _participle(head):
        return False
    if (
        head in words["fillers"]
        or head in words["number_words"]
        or any(word in {"other", "same", "such", "certain", "different", "various"} for word in group)
    ):
        return False
    # "champagne bubbling": a noun and what it does, unless the second is known to head compounds ("trail running").
    if len(group) > 1 and is_gerund(head) and head not in words["ing_heads"]:
        return False
    return not (
        line.word(after) == ","
        and len(group) == 1
        and head.endswith(_ADJECTIVE_ENDINGS)
        and line.word(after + 1) not in {"and", "or", "but"}
    )


def _generic(line: Line, after: int, group: list[str]) -> bool:
    words = lexicon()
    return "_".join(group) in words["generic_definites"] or (
        line.word(after) == "of" and group[-1] in words["partitives"]
    )


def _with_of(line: Line, first: int, after: int, *, strict: bool) -> Phrase | None:
    """From "history of science": only behind nouns that say nothing alone."""
    words = lexicon()
    start = after + 1
    if line.word(start) in words["articles"]:
        start += 1
    end = run(line, start, 3)
    if line.word(after - 1) not in words["partitives"] or end <= start or line.words[end - 1] in words["vague"]:
        return None
    if strict and not follows_well(line, end):
        return None
    return phrase(line, first, end, line.words[first:end])


def activity(line: Line, index: int) -> Phrase | None:
    """A gerund ("reading", "working with nonprofits") with its complement."""
    verb = line.word(index)
    return complement(line, index, base_of(verb), verb) if is_gerund(verb) else None


def infinitive(line: Line, index: int) -> Phrase | None:
    """From "to read", named as "reading"."""
    words = lexicon()
    if line.word(index) != "to":
        return None
    index = line.skip(index + 1, words["adverbs"])
    verb = line.word(index)
    if not _content(line, index) and verb not in words["bases"]:
        return None
    if verb in words["idioms"] or verb.endswith(("ing", "ed")):
        return None
    return complement(line, index, verb, gerund(verb))


def complement(line: Line, index: int, base: str, shown: str) -> Phrase | None:
    """An activity with what belongs to it.

    Args:
        line: the sentence.
        index: of the verb.
        base: its base form.
        shown: the form it is named by.
    """
    words = lexicon()
    at = index + 1
    if base == "be":
        return _being(line, index, shown)
    kept = [shown]
    if line.word(at) in words["particles"]:
        kept.append(line.word(at))
        at += 1
    found = _object(line, at, base)
    if found:
        return phrase(line, index, found[1], kept + found[0], activity_=True)
    if line.word(at) in words["pronouns"] or line.word(at) in words["determiners"] or _content(line, at):
        return None
    bare = base not in words["light"] and base not in words["idioms"]
    return (
        phrase(line, index, at, kept, activity_=True)
        if bare and (line.word(at) in _MANNER or follows_well(line, at))
        else None
    )


def _being(line: Line, index: int, shown: str) -> Phrase | None:
    """From "being a solo developer", "being alone", "being outdoors"."""
    at = index + 1
    if line.word(at) in {"a", "an"}:
        after = run(line, at + 1, 3)
        if after > at + 1 and follows_well(line, after) and line.word(after - 1) not in lexicon()["vague"]:
            return phrase(line, index, after, [shown, *line.words[at:after]], activity_=True)
    if line.word(at) in {"alone", "outdoors", "outside", "busy"} and follows_well(line, at + 1):
        return phrase(line, index, at + 1, [shown, line.word(at)], activity_=True)
    return None


def _object(line: Line, at: int, base: str) -> tuple[list[str], int] | None:
    """The words of an activity's object and the index behind it."""
    words = lexicon()
    preposition: list[str] = []
    if line.word(at) in words["prepositions"]:
        if line.word(at) not in words.prepositions_of.get(base, ()):
            return None
        preposition = [line.word(at)]
        at += 1
    if line.word(at) == "my" and (line.word(at + 1) in words["own_things"] or line.matches(at + 1, "own")):
        after = run(line, at + 1, 3)
        return (
            ([*preposition, "their", *line.words[at + 1 : after]], after)
            if after > at + 1 and follows_well(line, after)
            else None
        )
    found = noun(line, at)
    # "I like to have Helen depend on me": what is had and does something is no possession.
    if found and base == "have" and line.word(at) not in words["articles"] and not found.head.endswith("s"):
        return None
    if found:
        return preposition + found.slot.split(), found.next
    nested = (
        activity(line, at)
        if preposition or base in {"go", "spend", "practise", "practice", "start", "keep", "try"}
        else None
    )
    return (preposition + nested.slot.split(), nested.next) if nested else None


def thing(line: Line, index: int) -> Phrase | None:
    """Whatever one can like: activity, infinitive or noun group."""
    return (
        infinitive(line, index)
        or activity(line, index)
        or (noun(line, index) if _content(line, index + 1) or not is_gerund(line.word(index)) else None)
    )


def things(line: Line, index: int) -> list[Phrase]:
    """A coordinated list of objects: "reading, hiking and chess". Only bare groups continue a list."""
    first = thing(line, index)
    if first is None:
        return []
    found = [first]
    while len(found) < 6:
        at = found[-1].next
        if line.word(at) not in {",", "and", "&", "or"}:
            break
        start = line.skip(at, {",", "and", "&", "or"})
        item = activity(line, start) or (noun(line, start) if not is_gerund(line.word(start)) else None)
        if item is None:
            break
        found.append(item)
    # A comma alone may as well open the next clause; the list is believed where "and" or "or" closes it.
    return found if line.word(found[-1].first - 1) in {"and", "&", "or"} else found[:1]
