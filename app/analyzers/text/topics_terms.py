"""Candidates for topics: which nouns and pairs of words a text speaks of, and where.

Nouns are told by what stands before and behind them, so no tagger is needed.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from wordfreq import get_frequency_dict

from app.analyzers.text.facts_inflect import singular
from app.analyzers.text.facts_lexicon import PARTICIPLE, PAST, lexicon
from app.prose import Prose

#: Nouns more frequent than this in the background (one in 5,000 words) are in every text.
COMMON = 2e-4
#: Words more frequent than this (one in 1,000) hold sentences together; a noun ends its group before one.
FUNCTION = 1e-3
LEAST_COUNT, LEAST_G2, LEAST_RATIO = 4, 15.13, 2.0
#: Share of occurrences with a noun's company before it, from which a word is one.
NOUN_SHARE = 0.3
#: Pointwise mutual information in bits, and count, from which two words are one term.
LEAST_PMI, LEAST_PAIRS = 4.0, 3


@dataclass(frozen=True, slots=True)
class Tongue:
    """What is known of one language.

    Attributes:
        before: words that stand before nouns.
        things: prepositions before places and things rather than persons.
        first: first-person words.
        titles: words before a person's name.
        skipped: words that are no topic in any text.
        frequency: relative frequency of words in general.
    """

    before: frozenset[str]
    things: frozenset[str]
    first: frozenset[str]
    titles: frozenset[str]
    skipped: frozenset[str]
    frequency: dict[str, float]


@dataclass(slots=True)
class Term:
    """A candidate while it is counted.

    Attributes:
        forms: how often each form was written.
        at: indices of its first tokens.
        words: how many words it has.
    """

    forms: Counter[str] = field(default_factory=Counter)
    at: list[int] = field(default_factory=list)
    words: int = 1


@cache
def tongue(language: str) -> Tongue | None:
    """What is known of a language; None for those that are not covered."""
    listed = tomllib.loads((files("app.analyzers.text") / "grammar" / "topics.toml").read_text("utf-8")).get(language)
    if listed is None:
        return None
    sets = {name: frozenset(words.split()) for name, words in listed.items()}
    grammar = lexicon()
    closed = frozenset().union(
        *(grammar[name] for name in ("function", "stops", "adverbs", "vague", "months", "kin", "weekdays"))
    )
    return Tongue(
        sets["before"],
        sets["things"],
        sets["first"],
        sets["titles"],
        sets["empty"]
        | sets["archaic"]
        | sets["before"]
        | sets["first"]
        | sets["titles"]
        | (closed if language == "en" else frozenset()),
        get_frequency_dict(language, wordlist="small"),
    )


def terms_of(prose: Prose, known: Tongue) -> dict[str, Term]:
    """Candidates by their folded form: nouns, and pairs that are one term."""
    words = own_words(prose)
    folded = _folding(words, prose.layer.language)
    occurrences: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(words):
        if _topical(word, known, prose.layer.language):
            occurrences[folded.get(word, word)].append(index)
    occurrences = {
        term: at for term, at in occurrences.items() if len(at) >= LEAST_COUNT and _noun(prose, words, at, known)
    }
    terms: dict[str, Term] = {}
    joined = _pairs(prose, words, folded, occurrences, known)
    taken = {index + step for at in joined.values() for index in at for step in (0, 1)}
    for pair, at in joined.items():
        terms[pair] = Term(Counter(f"{words[i]} {words[i + 1]}" for i in at), at, 2)
    for term, at in occurrences.items():
        left = [index for index in at if index not in taken]
        if len(left) >= LEAST_COUNT:
            terms[term] = Term(Counter(words[index] for index in left), left)
    return terms


def _topical(word: str, known: Tongue, language: str | None) -> bool:
    """Whether the word may name a topic at all."""
    if len(word) < 3 or word in known.skipped or known.frequency.get(word, 0.0) >= COMMON or not word[0].isalpha():
        return False
    if language == "en" and _verbal(word, known):
        return False
    # "peut-être": joined function words are one function word.
    return "-" not in word or any(known.frequency.get(part, 0.0) < FUNCTION for part in word.split("-"))


def _verbal(word: str, known: Tongue) -> bool:
    """Whether an English word is a verb form or contraction rather than a noun."""
    words = lexicon()
    stem = word.removesuffix("'s")
    if "'" in stem or {stem, singular(stem)} & known.skipped or singular(stem) in words["stative"]:
        return True
    participle = len(stem) > 4 and stem.endswith("ed") and stem not in words["ed_nouns"]
    return participle or words.forms.get(stem, ("", ""))[1] in {PAST, PARTICIPLE}


def own_words(prose: Prose) -> list[str]:
    """Own words, elided articles cut off: "l'air" as "air"."""
    if prose.layer.language not in {"fr", "it"}:
        return [token[0] for token in prose.tokens]
    return [token[0].rpartition("'")[2] or token[0] for token in prose.tokens]


def _folding(words: list[str], language: str | None) -> dict[str, str]:
    """Plurals to the singular that also occurs; English ones by rule as well."""
    types = set(words)
    folded = {}
    for word in types:
        stem = word.removesuffix("'s")
        if language == "en":
            base = singular(stem)
        else:
            base = next(
                (
                    stem[:-cut]
                    for ending, cut in (("s", 1), ("es", 2))
                    if stem.endswith(ending) and stem[:-cut] in types and len(stem) > 4
                ),
                stem,
            )
        if base != word:
            folded[word] = base
    return folded


def _noun(prose: Prose, words: list[str], at: list[int], known: Tongue) -> bool:
    """Whether the word keeps a noun's company.

    Before it a determiner or preposition, or an adjective behind one; behind it no further word of content, as an
    adjective has.
    """
    language = prose.layer.language
    if language == "de":
        return capitals(prose, at) > 0.7
    company = 0
    for index in at:
        before = words[index - 1] if index else ""
        further = words[index - 2] if index > 1 else ""
        described = language == "en" and further in known.before and known.frequency.get(before, 0.0) < FUNCTION
        led = before in known.before or described or words[index] != prose.tokens[index][0]
        company += led and ends_group(prose, words, index, known)
    return company >= NOUN_SHARE * len(at)


def ends_group(prose: Prose, words: list[str], index: int, known: Tongue) -> bool:
    """Whether a function word, punctuation or nothing follows."""
    if index + 1 >= len(words):
        return True
    gap = prose.layer.text[prose.tokens[index][2] : prose.tokens[index + 1][1]]
    return not gap.isspace() or known.frequency.get(words[index + 1], 0.0) > FUNCTION


def _pairs(
    prose: Prose, words: list[str], folded: dict[str, str], occurrences: dict[str, list[int]], known: Tongue
) -> dict[str, list[int]]:
    """Pairs of neighbouring words that belong together: "solo developer"."""
    heads = {index for at in occurrences.values() for index in at}
    found: dict[str, list[int]] = defaultdict(list)
    tokens = prose.tokens
    for index in sorted(heads):
        before = index - 1
        if (
            before < 0
            or words[before] in known.skipped
            or len(words[before]) < 3
            or tokens[index][1] - tokens[before][2] != 1
            or tokens[index][0] != words[index]
        ):
            continue
        found[f"{words[before]} {folded.get(words[index], words[index])}"].append(before)
    counts = Counter(words)
    total = len(words)
    kept = {}
    for pair, at in found.items():
        first, second = pair.split(" ", 1)
        pmi = math.log2(len(at) * total / (counts[first] * max(len(at), len(occurrences[second]))))
        often = len(at) >= 0.3 * len(occurrences[second]) or len(at) >= 0.5 * counts[first]
        if len(at) >= LEAST_PAIRS and pmi >= LEAST_PMI and often:
            kept[pair] = at
    return kept


def capitals(prose: Prose, at: list[int]) -> float:
    """Share of the occurrences inside sentences that begin with a capital letter."""
    text, tokens = prose.layer.text, prose.tokens
    openings = {sentence.first for sentence in prose.sentences}
    inside = [index for index in at if index not in openings]
    return sum(text[tokens[index][1]].isupper() for index in inside) / max(1, len(inside))
