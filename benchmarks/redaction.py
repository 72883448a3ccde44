"""What the redactor finds and what it takes too much, on texts whose truth is known.

    python -m benchmarks.redaction [--copies 8] [--set development] [--missed ADDRESS]

Sets: our own templates (`redaction_templates.txt`) filled by `faker`, in two halves, of which only the first is looked
at when rules are written; and, where the shared samples lie beside the checkout, synthetic requests
(`pii_synthetic_a.json`, looked at as well) and tweets (WNUT 2017, never looked at). Recall counts whole entities: every
letter of it is taken. `taken too much` is the share of words outside of all entities of which anything is taken
("@name" counts for neither).
Compared in the same run: a crude rule (each capitalised word that begins no sentence, each word with a digit or an
@), and the pattern recognisers of presidio-analyzer without a language model, where that is installed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from faker import Faker
from rich.console import Console
from rich.table import Table

from app.analyzers.llm.redact import Redactor
from app.layers import Segment, TextLayer

TEMPLATES = Path(__file__).with_name("redaction_templates.txt")
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples" / "text"
SEED = 5
#: Where names and addresses in an English text come from; other texts are filled from their own country.
PEOPLE = [
    "en_US",
    "en_GB",
    "en_US",
    "en_IN",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
    "tr_TR",
    "id_ID",
    "vi_VN",
    "yo_NG",
    "ro_RO",
    "cs_CZ",
    "hu_HU",
]
PLACES = [
    "en_US",
    "en_GB",
    "en_CA",
    "en_US",
    "en_AU",
    "en_IN",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
]
COUNTRIES = {
    "de": "de_DE de_AT de_CH", "fr": "fr_FR fr_BE fr_CH", "es": "es_ES es_MX", "it": "it_IT", "nl": "nl_NL nl_BE",
    "pl": "pl_PL", "sv": "sv_SE", "pt": "pt_PT pt_BR", "da": "da_DK", "cs": "cs_CZ", "fi": "fi_FI", "hu": "hu_HU",
    "tr": "tr_TR",
}  # fmt: skip
_IDS = {
    "us": ("en_US", "ssn"), "gb": ("en_GB", "ssn"), "fr": ("fr_FR", "ssn"),
    "it": ("it_IT", "ssn"), "nl": ("nl_NL", "ssn"), "pl": ("pl_PL", "pesel"), "sv": ("sv_SE", "ssn"),
    "pt": ("pt_BR", "cpf"),
}  # fmt: skip
#: Types of the shared sample in our words; its other types are no aim of redaction.
_TYPES = {
    "PERSON": "PERSON", "ADDRESS": "ADDRESS", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL",
    "US_SSN": "ID", "IP_ADDRESS": "IP", "DOMAIN_NAME": "URL", "IBAN_CODE": "IBAN",
}  # fmt: skip
_SLOT = re.compile(r"\{(\w+)\}")

Spans = list[tuple[int, int, str]]
Finder = Callable[["Case"], Spans]


@dataclass(frozen=True)
class Case:
    """A text and what is in it: (start, end, type); type "" is no aim, but no ordinary word either."""

    text: str
    language: str
    spans: Spans


@dataclass
class Score:
    """What a finder did on a set."""

    there: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    words: int = 0
    taken: int = 0
    seconds: float = 0.0
    missed: list[tuple[str, str, str]] = field(default_factory=list)

    def recall(self, kind: str) -> float:
        """Share of the entities of a type that are wholly taken."""
        return self.found[kind] / self.there[kind] if self.there[kind] else 1.0

    @property
    def too_much(self) -> float:
        """Share of the words outside of entities that are taken."""
        return self.taken / self.words if self.words else 0.0


class _Filler:
    """Values for the places of a template, in the same order with every run."""

    def __init__(self, seed: int) -> None:
        self._fakers: dict[str, Faker] = {}
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - a seed repeats the set; nothing is secret

    def __call__(self, slot: str, language: str) -> tuple[str, str]:
        """Type and value."""
        lower, slot = slot.startswith("lower_"), slot.removeprefix("lower_")
        kind, value = self._value(slot, language)
        return kind, value.lower() if lower else value

    def _value(self, slot: str, language: str) -> tuple[str, str]:
        if slot in {"first", "last", "person"}:
            return "PERSON", self._person(slot, self._of(language, PEOPLE))
        if slot in {"address", "address_lines", "street"}:
            fake = self._of(language, PLACES)
            if slot == "street":
                return "ADDRESS", fake.street_address().replace("\n", ", ")
            return "ADDRESS", fake.address() if slot == "address_lines" else fake.address().replace("\n", ", ")
        if slot == "es_id":
            # Ours, since faker's own takes no seed.
            number = self._random.randrange(10_000_000, 100_000_000)
            return "ID", f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
        if slot.endswith("_id"):
            locale, method = _IDS[slot.removesuffix("_id")]
            return "ID", str(getattr(self._in(locale), method)())
        return self._number(slot, self._of(language, PLACES))

    def _number(self, slot: str, fake: Faker) -> tuple[str, str]:
        if slot in {"phone", "mobile"}:
            return "PHONE", fake.phone_number()
        if slot == "iban":
            bare = fake.iban()
            grouped = " ".join(bare[at : at + 4] for at in range(0, len(bare), 4))
            return "IBAN", self._random.choice((bare, grouped))
        if slot == "card":
            bare = fake.credit_card_number()
            grouped = " ".join(bare[at : at + 4] for at in range(0, len(bare), 4))
            return "CARD", self._random.choice((bare, grouped, grouped.replace(" ", "-")))
        values = {"email": fake.ascii_safe_email, "url": fake.url, "ip": fake.ipv4_public}
        return slot.upper(), values[slot]()

    def _person(self, slot: str, fake: Faker) -> str:
        first, last = fake.first_name(), fake.last_name()
        return str({"first": first, "last": last}.get(slot, f"{first} {last}"))

    def _of(self, language: str, english: list[str]) -> Faker:
        return self._in(self._random.choice(COUNTRIES[language].split() if language in COUNTRIES else english))

    def _in(self, locale: str) -> Faker:
        if locale not in self._fakers:
            self._fakers[locale] = Faker(locale)
            self._fakers[locale].seed_instance(self._seed)
        return self._fakers[locale]


def own_set(*, held_out: bool, copies: int = 8, seed: int = SEED) -> list[Case]:
    """Our own texts.

    Args:
        held_out: the half that no rule was written for.
        copies: of each template, filled differently.
        seed: of the values.
    """
    lines = [line for line in TEMPLATES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    fill = _Filler(seed + held_out)
    halves = [line.split("|", 1) for line in lines[held_out::2]]
    return [_filled(text.replace("\\n", "\n"), language, fill) for _ in range(copies) for language, text in halves]


def _filled(template: str, language: str, fill: _Filler) -> Case:
    text, position = "", 0
    spans: Spans = []
    for match in _SLOT.finditer(template):
        text += template[position : match.start()]
        kind, value = fill(match.group(1), language)
        spans.append((len(text), len(text) + len(value), kind))
        text, position = text + value, match.end()
    return Case(text + template[position:], language, spans)


def requests_set(path: Path = SAMPLES / "pii_synthetic_a.json") -> list[Case]:
    """The shared sample of synthetic requests."""
    return [
        Case(
            doc["full_text"],
            "en",
            [(s["start_position"], s["end_position"], _TYPES.get(s["entity_type"], "")) for s in doc["spans"]],
        )
        for doc in json.loads(path.read_text(encoding="utf-8"))
    ]


def tweets_set(path: Path = SAMPLES / "ner_wnut17_dev_part.conll") -> list[Case]:
    """The shared sample of tweets with their people marked, words joined by spaces."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        _tweet([(line.split("\t")[0], line.split("\t")[-1]) for line in group])
        for wordy, group in groupby(lines, key=lambda line: bool(line.strip()))
        if wordy
    ]


def _tweet(tokens: list[tuple[str, str]]) -> Case:
    text = ""
    spans: Spans = []
    for token, tag in tokens:
        start = len(text)
        text += token + " "
        kind = "PERSON" if tag.endswith("-person") else ""
        if tag.startswith("I-") and spans:
            spans[-1] = (spans[-1][0], start + len(token), spans[-1][2])
        elif tag != "O":
            spans.append((start, start + len(token), kind))
    return Case(text, "en", spans)


def ours(case: Case) -> Spans:
    """What the llm lane would not send."""
    layer = TextLayer(case.text, language=case.language, segments=(Segment(0, len(case.text)),))
    return [(r.start, r.end, r.placeholder[1:].split("_")[0]) for r in Redactor(layer, layer.segments).redactions]


def crude(case: Case) -> Spans:
    """Each capitalised word that begins no sentence, and each word with a digit or an @."""
    pattern = r"(?<![.!?\n] )(?<!\n)(?<!^)\b[A-ZÀ-Þ][\w'-]*|\S*[\d@]\S*"
    return [(*match.span(), "") for match in re.finditer(pattern, case.text)]


def presidio() -> Finder | None:
    """Presidio's pattern recognisers without a language model, all countries; None where it is not installed."""
    if find_spec("presidio_analyzer") is None:
        return None
    tldextract, known = import_module("tldextract"), import_module("presidio_analyzer.predefined_recognizers")
    pattern_recognizer = import_module("presidio_analyzer").PatternRecognizer
    # Left alone, its mail recogniser asks the network for a list of domains.
    setattr(tldextract, "extract", tldextract.TLDExtract(suffix_list_urls=()))  # noqa: B010 - a module has no such type
    classes = [getattr(known, name) for name in known.__all__]
    patterns = [c() for c in classes if isinstance(c, type) and issubclass(c, pattern_recognizer)]
    recognizers = [*patterns, known.PhoneRecognizer()]

    def find(case: Case) -> Spans:
        found = [r for one in recognizers for r in one.analyze(case.text, one.supported_entities, None)]
        return [(r.start, r.end, r.entity_type) for r in found if r.score >= 0.3 and r.entity_type != "DATE_TIME"]

    return find


def score(cases: list[Case], find: Finder) -> Score:
    """Hold what is found against what is there."""
    result = Score()
    for case in cases:
        begun = time.perf_counter()
        found = find(case)
        result.seconds += time.perf_counter() - begun
        taken = {at for start, end, _ in found for at in range(start, end)}
        entities: set[int] = set()
        for start, end, kind in case.spans:
            letters = {at for at in range(start, end) if case.text[at].isalnum()}
            entities |= letters
            if kind:
                result.there[kind] += 1
                result.found[kind] += letters <= taken
                if not letters <= taken:
                    result.missed.append((kind, case.text[start:end], case.text))
        for word in re.finditer(r"(?<![@\w])\w+", case.text):
            at = set(range(*word.span()))
            if not at & entities:
                result.words += 1
                result.taken += bool(at & taken)
    return result


def sets(copies: int, seed: int = SEED) -> Iterator[tuple[str, list[Case]]]:
    """All sets that can be had here, by name."""
    yield "development", own_set(held_out=False, copies=copies, seed=seed)
    yield "held out", own_set(held_out=True, copies=copies, seed=seed)
    if SAMPLES.exists():
        yield "requests", requests_set()
        yield "tweets", tweets_set()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=8, help="of each template")
    parser.add_argument("--missed", metavar="TYPE", help="print what ours misses of a type, not the table")
    parser.add_argument("--seed", type=int, default=SEED, help="of the values")
    parser.add_argument("--set", help="only this set")
    asked = parser.parse_args()
    console = Console()
    measured = {name: cases for name, cases in sets(asked.copies, asked.seed) if asked.set in {None, name}}
    if asked.missed:
        missed = [one for cases in measured.values() for one in score(cases, ours).missed]
        for kind, value, text in (m for m in missed if m[0] == asked.missed):
            console.print(kind, repr(value), "|", repr(text), markup=False, highlight=False)
        return
    finders = {"ours": ours, "crude": crude} | ({"presidio": found} if (found := presidio()) else {})
    scores: dict[str, dict[str, Score]] = defaultdict(dict)
    for name, cases in measured.items():
        for finder, find in finders.items():
            scores[name][finder] = score(cases, find)
        console.print(_table(name, len(cases), scores[name]))
    if "presidio" not in finders:
        console.print("presidio-analyzer is not installed, so it is not compared")


def _table(name: str, texts: int, by: dict[str, Score]) -> Table:
    table = Table(title=f"{name}: {texts} texts", title_justify="left")
    table.add_column("type")
    table.add_column("number", justify="right")
    for finder in by:
        table.add_column(finder, justify="right")
    first = next(iter(by.values()))
    for kind, number in sorted(first.there.items()):
        table.add_row(kind, str(number), *(f"{one.recall(kind):.3f}" for one in by.values()))
    table.add_row("taken too much", str(first.words), *(f"{one.too_much:.3f}" for one in by.values()))
    table.add_row("seconds", "", *(f"{one.seconds:.2f}" for one in by.values()))
    return table


if __name__ == "__main__":
    main()
