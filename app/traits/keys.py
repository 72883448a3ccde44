"""Identity of a trait: which two findings are one, so that a rejected trait does not come back under a synonym.

Two are one where their keys fold to the same, or where their names do. Folding is inflectional (asks, asked, asking)
and never derivational (printer is not printing), since a wrong union takes a trait away, and a missed one only repeats
it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001 - the curly apostrophe is meant
_VOWEL = re.compile(r"[aeiouy]")
_AS = re.compile(r"\b(?:works?|worked|working|employed) as\b")


@lru_cache(maxsize=4096)
def lemma(word: str) -> str:
    """The word without its English inflection: plural and third person, -ing, -ed, and a final e that they hide."""
    word = word.removesuffix("'s").removesuffix("’s")  # noqa: RUF001 - as above
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _VOWEL.search(stem) and not word.endswith("eed"):
            doubled = stem[-1] == stem[-2] and stem[-1] not in "aeiouslz"
            word = stem[:-1] if doubled else stem
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _lemmas(listed: str) -> frozenset[str]:
    return frozenset(lemma(word) for word in listed.split())


def _words_of(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _synonyms(groups: str) -> dict[str, str]:
    """One group of words a line, each word to the first of its line."""
    lines = [[lemma(word) for word in line.split()] for line in groups.strip().splitlines()]
    return {word: line[0] for line in lines for word in line}


#: Words that do not tell one trait from another; "a lot" and the like say what proposing a trait says anyway.
_STOP = _lemmas(
    "a about am an and are as at be by can do does for from has have he her his i in is it its me my of on one or our "
    "own she so some tend than that the their them they this to too use us was we were when with you your "
    "frequently high lot lots many more most much often plenty quite rather really regularly very"
)
#: What turns a trait into its contrary; whole words, since "hated" without its ending is a hat.
_NOT = _words_of(
    "avoid avoids avoided cannot despise despises despised detest detests detested dislike dislikes disliked few fewer "
    "hardly hate hates hated lack lacks lacked less little loathe loathes loathed low never no nor not rare rarely "
    "scarcely seldom without"
)
_HIGH = _lemmas("frequent frequently high many more much often")
_OPPOSITE = {"high": "low", "low": "high"}

#: Words of our own trait names and keys, and of common models', that mean the same.
_SAME = _synonyms("""
interested interest likes loves enjoys fond keen
occupation job profession work employment
lives resides home residence
hedges tentative cautious qualifies
certain sure confident definite assertive certainty
questions asks inquires
polite courteous politeness
thanks gratitude grateful
apologises apologizes sorry apologies
emoji emoticons smileys
exclamations exclaims
extraversion extroversion sociable sociability outgoing extraverted
agreeableness agreeable
conscientiousness conscientious
openness open
neuroticism neurotic
fast quick rapid quickly
slow slowly
short brief concise shortly
varied variety various varies
""")
#: Families of keys whose further parts are the person's own terms, where a synonym may be another thing.
_OWN_TERMS = {"topic": 1, "interest": 1, "fact": 2}


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def fold(key: str) -> str:
    """The canonical form of a `Signal.key`: "habit:Question:often" and "habit:questions:high" are one."""
    parts = [_words(part) for part in key.split(":")]
    ours = _OWN_TERMS.get(key.split(":", 1)[0].casefold(), len(parts))
    folded = [[_ours(word) for word in words] for words in parts[:ours]]
    folded += [[lemma(word) for word in words] for words in parts[ours:]]
    return ":".join("-".join(words) for words in folded)


def _ours(word: str) -> str:
    if _negates(word):
        return "low"
    word = lemma(word)
    return "high" if word in _HIGH else _SAME.get(word, word)


def _negates(word: str) -> bool:
    return word in _NOT or word.endswith(("n't", "n’t"))  # noqa: RUF001 - the curly apostrophe is meant


def identity(key: str, name: str) -> str:
    """What makes findings of all packages one trait: the folded key, and whether a term of theirs is liked or not.

    "Likes grammar" and "Hates grammar" have one key, being about one thing; they are two traits.
    """
    folded = fold(key)
    contrary = folded.partition(":")[0] in _OWN_TERMS and "not" in fold_name(name)
    return f"{folded}:not" if contrary else folded


def opposite(identity: str) -> str | None:
    """The identity of the contrary trait; None where there is none."""
    family, _, rest = identity.partition(":")
    if family in _OWN_TERMS:
        return identity.removesuffix(":not") if identity.endswith(":not") else f"{identity}:not"
    stem, _, end = rest.rpartition(":")
    return f"{family}:{stem}:{_OPPOSITE[end]}" if stem and end in _OPPOSITE else None


@lru_cache(maxsize=4096)
def fold_name(name: str) -> frozenset[str]:
    """What is left of a trait's name that tells it from others; names with equal sets are synonyms."""
    words = _words(_AS.sub("is", name.casefold()))
    kept = {
        "not" if _negates(word) else _SAME.get(lemma(word), lemma(word)) for word in words if lemma(word) not in _STOP
    }
    return frozenset(kept or words)


def near(one: str, other: str) -> bool:
    """Whether two names are so close that a reader takes the second for a repetition."""
    first, second = fold_name(one), fold_name(other)
    if first == second:
        return True
    return ("not" in first) == ("not" in second) and len(first & second) / len(first | second) >= 0.75
