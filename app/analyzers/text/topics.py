"""Recurring topics: what a text speaks of far more often than texts do, in several of its places.

Over-representation against `wordfreq` is measured by log-likelihood (Dunning 1993, https://aclanthology.org/J93-1003)
with the binary logarithm of the ratio as effect size (Hardie 2014); evenness over the text by the deviation of
proportions (Gries 2008, doi 10.1075/ijcl.13.4.02gri). Nouns are told by what stands before them, so no tagger is
needed; a frequent word is no interest, which is for the rules to mind.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.analysis import Context, Result
from app.analyzers.text.facts_inflect import plural, singular
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_voice import voice
from app.analyzers.text.topics_terms import Term, Tongue, capitals, ends_group, own_words, terms_of, tongue
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Prose, Sentence, prose_of
from app.vocabulary import ReasonCode

#: Relative frequency of a word that the background list does not hold; its rarest have one in a million.
UNSEEN = 5e-7
LEAST_COUNT, LEAST_G2, LEAST_RATIO = 4, 15.13, 2.0
#: Equal parts of the text over which evenness is measured, and in how many a topic must be.
PARTS, LEAST_PARTS = 10, 3
LEAST_PLACES = 3
#: Share of occurrences with "a" or in the plural, from which a headline says the plural.
COUNTED_SHARE = 0.2
#: Share with "the" or "my", from which it says "the".
DEFINITE_SHARE = 0.5
_THE = ("the", "my", "our", "his", "her", "their", "your", "its")
_ONE = ("a", "an", "one", "every", "each", "another")
MOST_TOPICS, MOST_INSTANCES = 25, 8
_PERSONAL = "first person"


def analyse(layer: TextLayer, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Find recurring topics.

    Returns:
        Features `{language, ownWords, voice, topics}`, topics most over-represented first, each `{term, shown, count,
        expected, g2, logRatio, places, parts, dispersion, personal, personalPlaces, proper, instances}`. `places` are
        segments, `parts` tenths of the text; `dispersion` is 0 for even and 1 for all in one part; `personal` counts
        sentences that hold the term and a first-person word; `instances` are spans of whole sentences, personal ones
        first and labelled.

    Raises:
        Refusal: the language is not covered or cannot be told, or there are no own words.
    """
    known = tongue(layer.language or "")
    if known is None:
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "topics are read in texts of one language: English, German, French, Spanish, Italian, Dutch, Portuguese",
            language=layer.language,
        )
    prose = prose_of(layer)
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
    terms = terms_of(prose, known)
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
    """Relative frequency in general; of a pair, a tenth of its rarer word's, since the background counts no pairs."""
    rates = [max(known.frequency.get(word, 0.0), UNSEEN) for word in term.forms.most_common(1)[0][0].split()]
    if term.words == 1:
        # All forms that were folded together are expected together.
        return max(sum(known.frequency.get(form, 0.0) for form in term.forms), UNSEEN)
    return max(UNSEEN, min(rates) / 10)


def _proper(prose: Prose, term: Term) -> bool:
    """Whether it is a name: written with a capital inside sentences. German writes every noun so."""
    return prose.layer.language != "de" and capitals(prose, term.at) > 0.7


def _somebody(prose: Prose, known: Tongue, term: Term) -> bool:
    """Whether a proper name is a person's: behind a title, a given name, or hardly ever "in" or "at" it."""
    words = own_words(prose)
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
    """The plural of what is counted ("printers"), "the" before what is the one ("the kitchen"), "religion" bare."""
    if singular(form) != form:
        return form
    words = own_words(prose)
    last = term.words - 1
    befores = Counter(words[at - 1] for at in term.at if at > 0 and ends_group(prose, words, at + last, known))
    plurals = sum(count for other, count in term.forms.items() if other != form)
    if sum(befores[word] for word in _ONE) + plurals >= COUNTED_SHARE * len(term.at):
        return plural(form)
    return f"the {form}" if sum(befores[word] for word in _THE) >= DEFINITE_SHARE * len(term.at) else form


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
