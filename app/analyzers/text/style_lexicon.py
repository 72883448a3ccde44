"""The word lists of style, read once: words and phrases to the habits they mark.

The lists are data (`lists/english.toml`); VADER's lexicon (MIT) gives the words of good and bad feeling. One pass over
a sentence's words finds every mark of every habit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

#: Mean rating (-4 to 4) from which a word of VADER's lexicon counts as one of feeling; weaker ones are mostly neutral.
_FEELING = 1.7
_ALPHABETIC = re.compile(r"[a-z]{4,}(?:-[a-z]+)?")


#: A phrase from its third word on, the habits it marks, and the habits it takes back.
_Phrase = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Marks of habits.

    Attributes:
        words: habits that a single word marks.
        phrases: by first and second word, longest first.
        habits: keys of what a person can see in their own sentences.
        classes: keys of what only grammar or psychology reads.
        imperatives: words or pairs of words that open a request.
    """

    words: dict[str, tuple[str, ...]]
    phrases: dict[str, dict[str, list[_Phrase]]]
    habits: frozenset[str]
    classes: frozenset[str]
    imperatives: frozenset[str]

    def marks(self, sentence: Sequence[str]) -> list[str]:
        """Habits marked by a sentence, one per mark; words in lower case with straight apostrophes.

        A longer mark of a habit swallows the shorter ones inside it.
        """
        found: list[str] = []
        used_up: dict[str, int] = {}
        single, phrases = self.words, self.phrases
        for place, (word, following) in enumerate(zip(sentence, (*sentence[1:], ""), strict=False)):
            if word in phrases and following in phrases[word]:
                found += self._phrases(phrases[word][following], sentence, place, used_up)
            if word in single:
                found += (key for key in single[word] if used_up.get(key, 0) <= place) if used_up else single[word]
        return found

    def _phrases(
        self, candidates: list[_Phrase], sentence: Sequence[str], place: int, used_up: dict[str, int]
    ) -> Iterator[str]:
        """Habits marked by the phrases that begin at a word; notes how far each habit's words are used up."""
        for rest, marked, cancelled in candidates:
            end = place + 2 + len(rest)
            if rest and tuple(sentence[place + 2 : end]) != rest:
                continue
            used_up.update({key: max(end, used_up.get(key, 0)) for key in cancelled})
            for key in marked:
                if used_up.get(key, 0) <= place:
                    used_up[key] = end
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
    for key, found in _feelings(frozenset(_entries(document["helpers"]["not_feeling"]))).items():
        lists[key] += found
    words: dict[str, list[str]] = {}
    phrases: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for key, entries in lists.items():
        for entry in entries:
            parts = tuple(entry.removeprefix("-").split())
            if len(parts) == 1:
                words.setdefault(entry, []).append(key)
            else:
                phrases.setdefault(parts, ([], []))[entry.startswith("-")].append(key)
    indexed: dict[str, dict[str, list[_Phrase]]] = {}
    for parts in sorted(phrases, key=len, reverse=True):
        marked, cancelled = phrases[parts]
        by_second = indexed.setdefault(parts[0], {}).setdefault(parts[1], [])
        by_second.append((parts[2:], tuple(marked), tuple(cancelled)))
    return Lexicon(
        words={word: tuple(keys) for word, keys in words.items()},
        phrases=indexed,
        habits=frozenset(document["habits"]),
        classes=frozenset(document["classes"]),
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
