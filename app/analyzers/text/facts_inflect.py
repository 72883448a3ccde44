"""Inflection of English words, as far as names of facts need it."""

from __future__ import annotations

from wordfreq import zipf_frequency

from app.analyzers.text.facts_words import word_set

_VOWELS = frozenset("aeiou")
#: Two-syllable verbs stressed on the second, and others that double although the rule below does not see it.
_DOUBLES = word_set(
    "begin forget regret prefer refer occur admit commit permit submit compel control rebel transfer program"
)
_SHORT_VERBS = frozenset(["do", "go", "be"])
_THIRD = {"be": "is", "have": "has", "do": "does", "go": "goes"}
_IRREGULAR_PLURALS = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "people": "people",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "wives": "wife",
    "lives": "life",
    "knives": "knife",
    "movies": "movie",
    "cookies": "cookie",
    "pies": "pie",
    "ties": "tie",
    "news": "news",
    "series": "series",
    "species": "species",
    "shoes": "shoe",
    "shelves": "shelf",
    "leaves": "leaf",
    "wolves": "wolf",
    "selfies": "selfie",
    "selves": "self",
    "halves": "half",
    "calves": "calf",
    "chess": "chess",
    "clothes": "clothes",
    "blues": "blues",
    "goods": "goods",
    "christmas": "christmas",
    "bees": "bee",
}


def _doubles(base: str) -> bool:
    """Whether the last consonant is doubled before a vowel: one syllable, one vowel, one consonant."""
    if base in _DOUBLES:
        return True
    short = sum(char in _VOWELS for char in base) == 1
    return short and len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in _VOWELS


def gerund(base: str) -> str:
    """The form in -ing: "write" to "writing"."""
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")) and base != "be":
        return base[:-1] + "ing"
    return base + (base[-1] if _doubles(base) else "") + "ing"


def past(base: str) -> str:
    """The regular past: "like" to "liked"."""
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    return base + (base[-1] if _doubles(base) else "") + "ed"


def third(base: str) -> str:
    """Third person singular: "carry" to "carries"."""
    if base in _THIRD:
        return _THIRD[base]
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def base_of(ing: str) -> str:
    """The verb of a gerund: "arriving" to "arrive", "running" to "run". Guessed by rule, then by frequency."""
    stem = ing[:-3]
    if len(stem) < 2 or stem in _SHORT_VERBS:
        return stem if stem in _SHORT_VERBS else ing
    if stem[-1] == stem[-2] and stem[-1] not in "lsfzeo":
        return stem[:-1]
    if len(stem) == 2:
        return f"{stem[0]}ie" if stem[-1] == "y" else f"{stem}e"
    if stem[-1] in "vcu" or _doubles(stem):
        return f"{stem}e"
    candidates = [stem, f"{stem}e"] + ([stem[:-1]] if stem[-1] == stem[-2] else [])
    return max(candidates, key=lambda word: zipf_frequency(word, "en", wordlist="small"))


def singular(noun: str) -> str:
    """The singular: "books" to "book"; words that only look like plurals stay."""
    if noun in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[noun]
    if noun.endswith("men") and len(noun) > 4:
        return noun[:-3] + "man"
    if len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is", "ics", "'s", "os")):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("ches", "shes", "sses", "xes", "zes")):
        return noun[:-2]
    return noun[:-1]


def plural(noun: str) -> str:
    """The plural: "lady" to "ladies"."""
    if noun.endswith("man"):
        return noun[:-3] + "men"
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")
