"""Recurring topics: what a text speaks of far more often than texts do, in several of its places.

Over-representation against `wordfreq` is measured by log-likelihood (Dunning 1993, https://aclanthology.org/J93-1003)
with the binary logarithm of the ratio as effect size (Hardie 2014); evenness over the text by the deviation of
proportions (Gries 2008, doi 10.1075/ijcl.13.4.02gri). Nouns are told by what stands before them, so no tagger is
needed; a frequent word is no interest, which is for the rules to mind.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from wordfreq import get_frequency_dict

from app.analysis import Context, Result
from app.analyzers.text.facts_inflect import plural, singular
from app.analyzers.text.facts_lexicon import PARTICIPLE, PAST, lexicon
from app.analyzers.text.facts_voice import voice
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Prose, Sentence
from app.vocabulary import ReasonCode

#: Relative frequency of a word that the background list does not hold; its rarest have one in a million.
UNSEEN = 5e-7
#: Nouns more frequent than this in the background (one in 5,000 words) are in every text.
COMMON = 2e-4
#: Words more frequent than this (one in 1,000) hold sentences together; a noun ends its group before one.
FUNCTION = 1e-3
LEAST_COUNT, LEAST_G2, LEAST_RATIO = 4, 15.13, 2.0
#: Equal parts of the text over which evenness is measured, and in how many a topic must be.
PARTS, LEAST_PARTS = 10, 3
LEAST_PLACES = 3
#: Share of occurrences with a noun's company before it, from which a word is one.
NOUN_SHARE = 0.3
#: Share of occurrences with "a" or in the plural, from which a headline says the plural.
COUNTED_SHARE = 0.2
#: Pointwise mutual information in bits, and count, from which two words are one term.
LEAST_PMI, LEAST_PAIRS = 4.0, 3
MOST_TOPICS, MOST_INSTANCES = 25, 8
_PERSONAL = "first person"


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


def analyse(layer: TextLayer, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Find recurring topics.

    Returns:
        `{"language", "ownWords", "voice", "topics": [{"term", "shown", "count", "expected", "g2", "logRatio", "places", "parts",
        "dispersion", "personal", "personalPlaces", "proper", "instances": [Span]}]}`, most over-represented first. `places` are
        segments, `parts` tenths of the text, `dispersion` is 0 for even and 1 for all in one part; `personal` counts sentences that
        hold the term and a first-person word; instances are whole sentences, personal ones labelled.

    Raises:
        Refusal: the language is not covered or cannot be told, or there are no own words.
    """
    known = tongue(layer.language or "")
    if known is None:
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "topics are read in texts of one known language only: English, German, French, Spanish, Italian, Dutch, Portuguese",
            language=layer.language,
        )
    prose = Prose(layer)
    if not prose.own_word_count:
        raise Refusal(ReasonCode.TOO_LITTLE_OWN_TEXT, "the text holds none of the person's own words")
    return Result(
        {
            "language": layer.language,
            "ownWords": prose.own_word_count,
            "voice": voice(prose),
            "topics": [*_topics(prose, known)][:MOST_TOPICS],
        }
    )


def _topics(prose: Prose, known: Tongue) -> list[dict[str, Any]]:
    terms = _terms(prose, known)
    sentences = _Sentences(prose, known)
    found = [topic for shown, term in terms.items() if (topic := _topic(prose, known, sentences, shown, term))]
    return sorted(found, key=lambda topic: -topic["g2"])


class _Sentences:
    """Sentences by token, with whether the person speaks of themselves in them."""

    def __init__(self, prose: Prose, known: Tongue) -> None:
        self._of: list[int] = [-1] * len(prose.tokens)
        self.all = prose.sentences
        self.personal: list[bool] = []
        for index, sentence in enumerate(prose.sentences):
            self._of[sentence.first : sentence.last] = [index] * (sentence.last - sentence.first)
            own = any(_elided(token[0]) in known.first for token in prose.tokens_of(sentence))
            self.personal.append(own and not sentence.quoted)

    def of(self, tokens: list[int]) -> list[int]:
        """Indices of the sentences that hold these tokens, each once, in order."""
        return sorted({self._of[token] for token in tokens} - {-1})


def _elided(word: str) -> str:
    """From "j'aime" as "j'"."""
    return word[:2] if word[1:2] == "'" and word[:2] in {"j'", "m'"} else word


def _terms(prose: Prose, known: Tongue) -> dict[str, Term]:
    """Candidates by their folded form: nouns, and pairs that are one term."""
    words = _words(prose)
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
    if "'" in stem or stem in known.skipped or singular(stem) in words["stative"]:
        return True
    participle = len(stem) > 4 and stem.endswith("ed") and stem not in words["ed_nouns"]
    return participle or words.forms.get(stem, ("", ""))[1] in {PAST, PARTICIPLE}


def _words(prose: Prose) -> list[str]:
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

    Before it a determiner or preposition, or an adjective behind one; behind it no further word of content, as an adjective has.
    """
    language = prose.layer.language
    if language == "de":
        return _capitals(prose, at) > 0.7
    company = 0
    for index in at:
        before = words[index - 1] if index else ""
        further = words[index - 2] if index > 1 else ""
        described = language == "en" and further in known.before and known.frequency.get(before, 0.0) < FUNCTION
        led = before in known.before or described or words[index] != prose.tokens[index][0]
        company += led and _ends_group(prose, words, index, known)
    return company >= NOUN_SHARE * len(at)


def _ends_group(prose: Prose, words: list[str], index: int, known: Tongue) -> bool:
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


def _topic(prose: Prose, known: Tongue, sentences: _Sentences, shown: str, term: Term) -> dict[str, Any] | None:
    count, total = len(term.at), len(prose.tokens)
    expected = total * _background(known, term)
    ratio = math.log2(count / expected)
    g2 = 2 * (count * math.log(count / expected) - (count - expected))
    if g2 < LEAST_G2 or ratio < LEAST_RATIO:
        return None
    parts = Counter(index * PARTS // total for index in term.at)
    inside = sentences.of(term.at)
    places = {sentences.all[index].segment for index in inside}
    proper = _proper(prose, term)
    if len(places) < LEAST_PLACES or len(parts) < LEAST_PARTS or (proper and _somebody(prose, known, term)):
        return None
    personal = [index for index in inside if sentences.personal[index]]
    return {
        "term": shown,
        "shown": _written(prose, known, term, proper=proper),
        "count": count,
        "expected": round(expected, 3),
        "g2": round(g2, 2),
        "logRatio": round(ratio, 2),
        "places": len(places),
        "parts": len(parts),
        "dispersion": round(
            sum(abs(parts[part] / count - 1 / PARTS) for part in range(PARTS)) / 2 / (1 - 1 / PARTS), 3
        ),
        "personal": len(personal),
        "personalPlaces": len({sentences.all[index].segment for index in personal}),
        "proper": proper,
        "instances": [*_instances(prose, sentences, inside)],
    }


def _background(known: Tongue, term: Term) -> float:
    """Relative frequency in general; of a pair, that of its rarer word at most, since the background counts no pairs."""
    rates = [max(known.frequency.get(word, 0.0), UNSEEN) for word in term.forms.most_common(1)[0][0].split()]
    if term.words == 1:
        # All forms that were folded together are expected together.
        return max(sum(known.frequency.get(form, 0.0) for form in term.forms), UNSEEN)
    return max(UNSEEN, min(rates) / 10)


def _proper(prose: Prose, term: Term) -> bool:
    """Whether it is a name: written with a capital inside sentences. German writes every noun so."""
    return prose.layer.language != "de" and _capitals(prose, term.at) > 0.7


def _capitals(prose: Prose, at: list[int]) -> float:
    """Share of the occurrences inside sentences that begin with a capital letter."""
    text, tokens = prose.layer.text, prose.tokens
    openings = {sentence.first for sentence in prose.sentences}
    inside = [index for index in at if index not in openings]
    return sum(text[tokens[index][1]].isupper() for index in inside) / max(1, len(inside))


def _somebody(prose: Prose, known: Tongue, term: Term) -> bool:
    """Whether a proper name is a person's: behind a title, a given name, or hardly ever "in" or "at" it."""
    words = _words(prose)
    names = lexicon()["given_names"]
    befores = [words[index - 1] if index else "" for index in term.at]
    if any(word in names for form in term.forms for word in form.split()):
        return True
    if sum(before in known.titles or before in names for before in befores) > 0.1 * len(befores):
        return True
    return sum(before in known.things or before in {"the", "a", "an"} for before in befores) < 0.2 * len(befores)


def _written(prose: Prose, known: Tongue, term: Term, *, proper: bool) -> str:
    """The term as a headline says it: with the capitals it usually has, things that are counted in the plural."""
    form = term.forms.most_common(1)[0][0]
    if not proper and prose.layer.language == "en":
        return _counted(prose, known, term, form)
    tokens, text = prose.tokens, prose.layer.text
    spellings = Counter(text[tokens[at][1] : tokens[at + term.words - 1][2]] for at in term.at)
    fitting = [spelling for spelling, _ in spellings.most_common() if spelling[0].isupper() or not proper]
    return (fitting or [form])[0].removesuffix("'s").removesuffix("’s")  # noqa: RUF001 - the curly apostrophe is meant


def _counted(prose: Prose, known: Tongue, term: Term, form: str) -> str:
    """From "printers" for what is written with "a" or in the plural as well; "religion" stays."""
    if singular(form) != form:
        return form
    words = _words(prose)
    last = term.words - 1
    one = sum(
        at > 0
        and words[at - 1] in {"a", "an", "one", "every", "each", "another"}
        and _ends_group(prose, words, at + last, known)
        for at in term.at
    )
    plurals = sum(count for other, count in term.forms.items() if other != form)
    return plural(form) if one + plurals >= COUNTED_SHARE * len(term.at) else form


def _instances(prose: Prose, sentences: _Sentences, inside: list[int]) -> Iterator[dict[str, Any]]:
    """Sentences that hold the term, spread over the text, personal ones first."""
    ordered = [
        *_spread([i for i in inside if sentences.personal[i]]),
        *_spread([i for i in inside if not sentences.personal[i]]),
    ]
    for index in ordered[:MOST_INSTANCES]:
        sentence: Sentence = sentences.all[index]
        label = _PERSONAL if sentences.personal[index] else ""
        yield prose.layer.span(sentence.start, sentence.end, label).as_json()


def _spread(indices: list[int]) -> list[int]:
    """The same indices in an order whose beginning covers the range: every fourth, then those between."""
    step = max(1, len(indices) // 4)
    leading = indices[::step]
    return leading + [index for index in indices if index not in set(leading)]
