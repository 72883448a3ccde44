"""The word lists of style, read once: words and phrases to the habits they mark.

The lists are data (`lists/english.toml`); VADER's lexicon (MIT) gives the words of good and bad feeling. One pass over a sentence's
words finds every mark of every habit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

#: Mean rating (-4 to 4) from which a word of VADER's lexicon counts as one of feeling; weaker ones are mostly neutral in running text.
_FEELING = 1.7
_ALPHABETIC = re.compile(r"[a-z]{4,}(?:-[a-z]+)?")


@dataclass(slots=True)
class Lexicon:
    """Marks of habits.

    Attributes:
        words: habits that a single word marks.
        phrases: by first word, (further words, habits that the phrase marks, habits it takes back), longest first.
        habits: keys of what a person can see in their own sentences.
        classes: keys of what only grammar or psychology reads.
        imperatives: words or pairs of words that open a request.
    """

    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = field(default_factory=dict)
    habits: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    imperatives: frozenset[str] = frozenset()

    def marks(self, sentence: Sequence[str]) -> Iterator[str]:
        """Habits marked by a sentence, one per mark; words in lower case with straight apostrophes.

        A longer mark of a habit swallows the shorter ones inside it.
        """
        taken: dict[str, int] = {}
        words, phrases = self.words, self.phrases
        for place, word in enumerate(sentence):
            if word in phrases:
                for rest, found, cancelled in phrases[word]:
                    end = place + 1 + len(rest)
                    if tuple(sentence[place + 1 : end]) != rest:
                        continue
                    for key in cancelled:
                        taken[key] = max(end, taken.get(key, 0))
                    for key in found:
                        if taken.get(key, 0) <= place:
                            taken[key] = end
                            yield key
            if word in words:
                for key in words[word]:
                    if taken.get(key, 0) <= place:
                        yield key

    def opens_request(self, sentence: Sequence[str]) -> bool:
        """Whether a sentence that is no question begins as a request to the reader."""
        if not sentence:
            return False
        first, second = sentence[0], sentence[1] if len(sentence) > 1 else ""
        if f"{first} {second}" in self.imperatives:
            return True
        return first in self.imperatives and second not in _NO_OBJECT


#: After these the first word was a noun or a subordinate clause: "Use of", "Notice was", "Come what may".
_NO_OBJECT = frozenset(["of", "is", "was", "are", "were", "as", "what", "has", "had", "who", "i", "we", "he", "she"])


def _entries(text: str) -> list[str]:
    return [entry for part in " ".join(text.split()).split(",") if (entry := part.strip())]


@cache
def english() -> Lexicon:
    """The English lists."""
    document = tomllib.loads((files(__package__) / "lists" / "english.toml").read_text("utf-8"))
    lists = {key: _entries(text) for part in ("habits", "classes") for key, text in document[part].items()}
    lists |= _feelings(frozenset(_entries(document["helpers"]["not_feeling"])))
    words: dict[str, list[str]] = {}
    phrases: dict[str, dict[tuple[str, ...], tuple[list[str], list[str]]]] = {}
    for key, entries in lists.items():
        for entry in entries:
            first, *rest = entry.removeprefix("-").split()
            if rest:
                found, cancelled = phrases.setdefault(first, {}).setdefault(tuple(rest), ([], []))
                (cancelled if entry.startswith("-") else found).append(key)
            else:
                words.setdefault(first, []).append(key)
    return Lexicon(
        words={word: tuple(keys) for word, keys in words.items()},
        phrases={
            first: sorted(
                ((rest, tuple(found), tuple(cancelled)) for rest, (found, cancelled) in rows.items()),
                key=lambda row: -len(row[0]),
            )
            for first, rows in phrases.items()
        },
        habits=frozenset(document["habits"]),
        classes=frozenset([*document["classes"], "positive_feeling", "negative_feeling"]),
        imperatives=frozenset(_entries(document["helpers"]["imperatives"])),
    )


def _feelings(excluded: frozenset[str]) -> dict[str, list[str]]:
    """Words of good and bad feeling of VADER's lexicon (Hutto & Gilbert 2014; MIT)."""
    rows = (files("vaderSentiment") / "vader_lexicon.txt").read_text("utf-8").splitlines()
    found: dict[str, list[str]] = {"positive_feeling": [], "negative_feeling": []}
    for row in rows:
        word, _, rating = row.partition("\t")
        value = float(rating.split("\t")[0])
        if abs(value) >= _FEELING and _ALPHABETIC.fullmatch(word) and word not in excluded:
            found["positive_feeling" if value > 0 else "negative_feeling"].append(word)
    return found
