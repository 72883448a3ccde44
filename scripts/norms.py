"""Compute the norm figures of writing habits from a folder of first-person texts, one author a file.

    python scripts/norms.py CORPORA [--out app/traits/data/norms-1.json] [--version 1]

The folder holds `MANIFEST.json` (`files`: file, register, language, words, era, licence, source_repo) and the texts:
paragraphs parted by an empty line, one message or turn a paragraph in chat and speech. Only figures leave it.
`app/traits/data/README.md` says what they mean; `app.traits.norms` reads them.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from math import atanh, tanh
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.analyzers.text.style_marks import PER_SENTENCE, read
from app.analyzers.text.style_register import era_score
from app.layers import TextLayer, join
from app.prose import Prose
from app.traits.rules_dispositions import DISPOSITIONS, composite
from app.vocabulary import SegmentKind

Figures = NDArray[np.float64]

#: Words of text at which reliability is given.
LENGTHS = (350, 1000, 3000)
#: Pairs of stretches drawn for each reliability.
DRAWS = 40
#: Fewer authors than this give no reliability of their own; the same register's English one is lent.
ENOUGH_AUTHORS = 15
PERCENTILES = (10, 25, 50, 75, 90)
KINDS = {"chat": SegmentKind.MESSAGE, "speech": SegmentKind.UTTERANCE}
LENGTH_OF = ("sentence_length", "message_length")


@dataclass(frozen=True)
class Author:
    """One author's marks by sentence.

    Attributes:
        words: own words of each sentence.
        marks: by habit, marks in each sentence.
        messages: own words of each message, in chat.
        score: `era_score` of the first 1,000 words.
    """

    words: Figures
    marks: dict[str, Figures]
    messages: Figures
    score: float

    def rate(self, key: str, part: slice) -> float:
        """Rate of a habit in some of the sentences; of the message length, in some of the messages."""
        if key in LENGTH_OF:
            return float(self.sizes(key)[part].mean())
        marks = self.marks[key][part] if key in self.marks else np.zeros(1)
        exposure = len(self.words[part]) if key in PER_SENTENCE else self.words[part].sum()
        return float((100 if key in PER_SENTENCE else 1000) * marks.sum() / max(exposure, 1))

    def sizes(self, key: str) -> Figures:
        """Words of the units that a habit is counted in."""
        return self.messages if key == "message_length" else self.words

    def stretch(self, key: str, words: int, offset: float) -> tuple[int, int]:
        """Units of a stretch of that many words, beginning that many words into the text."""
        low, high = np.searchsorted(np.cumsum(self.sizes(key)), [offset, offset + words])
        return int(low), int(max(high, low + 2))

    def halves(self, key: str, length: int, dice: random.Random, *, apart: bool) -> tuple[slice, slice]:
        """Two halves of `length` words: every other unit of one stretch, or stretches from different places."""
        room = max(float(self.sizes(key).sum()) - length, 0.0)
        if apart:
            first, second = sorted((dice.uniform(0, room), dice.uniform(0, room)))
            parts = (self.stretch(key, length // 2, at) for at in (first, second + length / 2))
            return tuple(slice(*part) for part in parts)  # type: ignore[return-value]  # two of them
        low, high = self.stretch(key, length, dice.uniform(0, room))
        return slice(low, high, 2), slice(low + 1, high, 2)


def measure(path: Path, register: str, language: str) -> Author:
    """Read one author's file."""
    kind = KINDS.get(register, SegmentKind.PARAGRAPH)
    text, segments = join((p.strip(), kind, {}) for p in re.split(r"\n\s*\n", path.read_text("utf-8")))
    prose = Prose(TextLayer(text, language=language, segments=segments))
    marks = read(prose, english_lists=language == "en")
    words = np.array(marks.lengths, dtype=float)
    beginning = int(np.searchsorted(np.cumsum(words), 1000))
    rows = {key: row(len(words), places) for key, places in marks.places.items()}
    counts = Counter({key: int(figures[:beginning].sum()) for key, figures in rows.items()})
    messages = np.array(marks.messages if register == "chat" else [], dtype=float)
    return Author(words, rows, messages, era_score(counts, 1000))


def row(length: int, places: list[tuple[int, int]]) -> Figures:
    """Marks of each sentence."""
    found = np.zeros(length)
    for place, times in places:
        found[place] = times
    return found


Measure = Callable[[Author, slice], float]


def split_half(
    authors: list[Author], key: str, length: int, dice: random.Random, *, apart: bool, measure_of: Measure
) -> float | None:
    """Split-half reliability over authors at a length of text.

    Pearson's r of the halves' figures, averaged over draws (Fisher's z), stepped up by Spearman-Brown.
    """
    long_enough = [author for author in authors if author.sizes(key).sum() >= length * 1.05]
    if len(long_enough) < ENOUGH_AUTHORS:
        return None
    found = []
    for _ in range(DRAWS):
        halves = [author.halves(key, length, dice, apart=apart) for author in long_enough]
        pairs = [[measure_of(author, part) for part in two] for author, two in zip(long_enough, halves, strict=True)]
        a, b = np.array(pairs).T
        if a.std() and b.std():
            found.append(atanh(min(max(float(np.corrcoef(a, b)[0, 1]), -0.999), 0.999)))
    if len(found) < DRAWS / 2:
        return None
    r = max(tanh(float(np.mean(found))), 0.0)
    return round(2 * r / (1 + r), 3)


def reliabilities(authors: list[Author], key: str, dice: random.Random, measure_of: Measure) -> dict[str, Any]:
    """Both kinds of split-half reliability at all lengths."""
    figures: dict[str, Any] = {}
    for name, apart in (("reliability", False), ("stability", True)):
        found = {str(n): split_half(authors, key, n, dice, apart=apart, measure_of=measure_of) for n in LENGTHS}
        figures[name] = {n: figure for n, figure in found.items() if figure is not None}
    return figures


def describe(authors: list[Author], key: str, dice: random.Random) -> dict[str, Any]:
    """Norm figures of one habit in one group: every author has one vote."""
    rates = np.array([author.rate(key, slice(None)) for author in authors])
    roots = np.sqrt(rates)
    return {
        "mean": round(float(rates.mean()), 4),
        "sd": round(float(rates.std(ddof=1)), 4),
        "rootMean": round(float(roots.mean()), 4),
        "rootSd": round(float(roots.std(ddof=1)), 4),
        "percentiles": {str(p): round(float(np.percentile(rates, p)), 4) for p in PERCENTILES},
        **reliabilities(authors, key, dice, lambda author, part: author.rate(key, part) ** 0.5),
    }


def dispositions(authors: list[Author], figures: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """Standard deviation and reliability of each trait's composite of cues."""
    found = {}
    for trait, disposition in DISPOSITIONS.items():
        cues = disposition.cues
        if any(figures.get(cue, {}).get("rootSd", 0) <= 0 for cue in cues):
            continue

        def score(author: Author, part: slice, cues: Mapping[str, float] = cues) -> float:
            return composite({cue: author.rate(cue, part) for cue in cues}, figures, cues)

        whole = np.array([score(author, slice(None)) for author in authors])
        found[trait] = {
            "sd": round(float(whole.std(ddof=1)), 4),
            **reliabilities(authors, "sentence_length", dice, score),
        }
    return found


def group(entries: list[dict[str, Any]], authors: list[Author], dice: random.Random) -> dict[str, Any]:
    """Norm figures of one register and language."""
    keys = {key for author in authors for key in author.marks} | {"sentence_length"}
    if all(author.messages.size for author in authors):
        keys.add("message_length")
    years = sorted(year for entry in entries for year in re.findall(r"\d{4}", str(entry["era"])))
    habits = {key: describe(authors, key, dice) for key in sorted(keys)}
    return {
        "writers": len(authors),
        "words": int(sum(author.words.sum() for author in authors)),
        "years": f"{years[0]}-{years[-1]}",
        "habits": habits,
        "dispositions": dispositions(authors, habits, dice),
    }


def lend(groups: dict[str, dict[str, Any]]) -> None:
    """Give small groups the reliabilities of their register's English group."""
    for name, found in groups.items():
        lender = f"{name.split('/')[0]}/en"
        if found["writers"] < ENOUGH_AUTHORS and lender in groups:
            found["reliabilityFrom"] = lender
            for key, figures in found["habits"].items():
                for kind in ("reliability", "stability"):
                    figures[kind] = groups[lender]["habits"].get(key, {}).get(kind, {})


def sources(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the texts came from, in short."""
    counted = Counter((e["register"], e["language"], e["source_repo"], e["licence"]) for e in entries)
    return [
        {"register": register, "language": language, "repository": repository, "licence": licence, "writers": writers}
        for (register, language, repository, licence), writers in sorted(counted.items())
    ]


def table(groups: dict[str, dict[str, Any]]) -> Table:
    """What a person looks at: mean, SD and reliabilities by group."""
    shown = Table(title="mean ± SD, reliability at 350 / 1,000 / 3,000 words")
    shown.add_column("habit")
    for name, found in groups.items():
        shown.add_column(f"{name} ({found['writers']})")
    for key in sorted({key for found in groups.values() for key in found["habits"]}):
        cells = []
        for found in groups.values():
            figures = found["habits"].get(key)
            trust = (
                " ".join(f"{figures['reliability'].get(str(n), float('nan')):.2f}" for n in LENGTHS) if figures else ""
            )
            cells.append(f"{figures['mean']:.1f} ± {figures['sd']:.1f}  {trust}" if figures else "")
        shown.add_row(key, *cells)
    return shown


def main() -> None:
    """Compute, write, print."""
    arguments = argparse.ArgumentParser(description="Compute the norm figures of writing habits from a corpora folder.")
    arguments.add_argument("corpora", type=Path, help="folder with MANIFEST.json and one text file an author")
    arguments.add_argument("--out", type=Path, default=Path("app/traits/data/norms-1.json"))
    arguments.add_argument("--version", default="1", help="name of this set of figures")
    options = arguments.parse_args()
    entries = json.loads((options.corpora / "MANIFEST.json").read_text("utf-8"))["files"]
    console = Console()
    by_group: dict[str, list[tuple[dict[str, Any], Author]]] = {}
    for entry in track(entries, "reading authors", console=console):
        register = str(entry["register"]).removesuffix(f"_{entry['language']}")
        author = measure(options.corpora / entry["file"], register, entry["language"])
        by_group.setdefault(f"{register}/{entry['language']}", []).append((entry, author))
    dice = random.Random(20)  # noqa: S311 - a fixed seed, so that anyone gets the same figures
    groups = {}
    for name, members in track(sorted(by_group.items()), "measuring groups", console=console):
        groups[name] = group([entry for entry, _ in members], [author for _, author in members], dice)
    lend(groups)
    document = {
        "version": options.version,
        "command": "python scripts/norms.py CORPORA",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "sources": sources(entries),
        "groups": groups,
    }
    options.out.write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    console.print(table(groups))
    for name, members in by_group.items():
        if name.endswith("/en"):
            modern = sum(author.score > 0 for _, author in members)
            console.print(f"{name}: {modern} of {len(members)} read as modern from their first 1,000 words")
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
