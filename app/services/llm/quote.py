"""What analysing a file would cost at vendors, before anything of it leaves: estimated here, from its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.analysis import Blob, Context
from app.analyzers.catalog import interpreting, perceiving
from app.analyzers.llm import again
from app.analyzers.llm.analyse import LEAST_WORDS, requests
from app.analyzers.llm.findings import LONGEST, Kept
from app.asking import Request, Usage
from app.consent.scopes import covers
from app.errors import Refusal
from app.layers import TextLayer
from app.perception.sniff import sniff
from app.prose import prose_of
from app.services.llm import vendors
from app.services.llm.options import llm_options
from app.services.llm.vendors import vendor_name
from app.vocabulary import ReasonCode
from config.settings import settings

#: Characters of a token of usual prose. An estimate: only the vendor counts, and the text does not leave for it.
CHARACTERS = 4
#: Tokens of a usual answer, and seconds until it is whole: assumptions; `at_most` rests on neither.
ANSWER_TOKENS, ANSWER_S = 1_500, 20.0
#: Claims of a usual answer: an assumption too.
CLAIMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An estimate.

    Attributes:
        model: that would be asked.
        questions: calls, without repairs; those that ask twice among them.
        asked_again: of them, those that ask twice, at most: one is asked if there is something to ask about.
        tokens: of all questions, about.
        about: US dollars, if tasks that read the same text find it in the vendor's cache.
        at_most: US dollars, with nothing in a cache, the longest answers, and every answer asked for twice.
        seconds: about, with the calls that may be made at a time.
        counted: whether the vendor counted the tokens.
    """

    model: str
    questions: int
    asked_again: int
    tokens: int
    about: Decimal
    at_most: Decimal
    seconds: float
    counted: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `echosphere analyze --dry-run --json` shows it; money as text, so that it stays exact."""
        return {
            "model": self.model,
            "questions": self.questions,
            "askedAgain": self.asked_again,
            "tokens": self.tokens,
            "counted": self.counted,
            "costAbout": str(self.about),
            "costAtMost": str(self.at_most),
            "currency": "USD",
            "seconds": self.seconds,
        }


#: Tokens of questions, by their key.
Count = Callable[[Sequence[Request]], Mapping[str, int]]


def quote(data: bytes, scopes: tuple[str, ...], count: Count | None = None) -> Quote:
    """Estimate what vendors would take for a file.

    Args:
        data: the whole file.
        scopes: that would be granted.
        count: the vendor's own counting, for which the questions leave; without it, tokens are estimated here.

    Raises:
        Refusal: it cannot be read without being analysed, or no text is in it.
        Misconfigured: the model has no price.
    """
    model = settings().anthropic_model
    asked = questions(data, scopes)
    cached: set[str] = set()
    counted = count([request for first, _ in asked for request in first]) if count else {}
    usages = [usage for first, twice in asked for usage in _usages(first, twice, cached, counted)]
    worst = sum((_worst(request, model, twice) for first, twice in asked for request in first), Decimal(0))
    asked_again = sum(len(first) for first, twice in asked if twice)
    return Quote(
        model=model,
        questions=len(usages),
        asked_again=asked_again,
        tokens=sum(usage.prompt for usage in usages),
        about=sum((vendors.price(usage, model) for usage in usages), Decimal(0)),
        at_most=min(worst, settings().llm_budget_run),
        seconds=-(-len(usages) // settings().llm_concurrency) * ANSWER_S,
        counted=bool(counted),
    )


def questions(data: bytes, scopes: tuple[str, ...]) -> list[tuple[list[Request], float]]:
    """What would be asked about a file.

    Args:
        data: the whole file.
        scopes: that would be granted.

    Returns:
        For each analyzer its questions, and the share of what they find that is asked about twice.

    Raises:
        Refusal: it cannot be read without being analysed, or no text is in it.
    """
    rows = [row for row in interpreting() if vendor_name(row) and covers(scopes, row.scope)]
    layer = _layer(data) if rows else None
    if layer is None or prose_of(layer).own_word_count < LEAST_WORDS:
        return []
    return [(requests(layer, options), options["ask_twice"]) for options in map(llm_options, rows)]


def _worst(request: Request, model: str, twice: float) -> Decimal:
    """Every answer asked for twice for its form, and as much asked about again as there may be."""
    letters = "\U00020000" * LONGEST
    most = [Kept("disposition", letters, letters, affirmed=True, sensitive=False)] * again.MOST_CLAIMS
    further = [again.question(request, most)] if twice else []
    return sum((2 * vendors.worst(one, model) for one in [request, *further]), Decimal(0))


def _usages(found: list[Request], twice: float, known: set[str], counted: Mapping[str, int]) -> Iterator[Usage]:
    """The first that reads a text puts it into the cache, the others find it there."""
    for request in found:
        shared = (len(request.system) + len(request.document) + len(str(request.schema))) // CHARACTERS
        if request.key in counted:
            shared = max(0, counted[request.key] - len(request.instruction) // CHARACTERS)
        cached = request.document in known
        known.add(request.document)
        yield Usage(
            input=len(request.instruction) // CHARACTERS,
            output=ANSWER_TOKENS,
            cache_write=0 if cached else shared,
            cache_read=shared if cached else 0,
        )
        if twice:
            usual = Kept("habit", "a" * (LONGEST // 2), "a" * (LONGEST // 4), affirmed=True, sensitive=False)
            question = again.question(request, [usual] * max(1, round(CLAIMS * twice)))
            answer = max(1, round(ANSWER_TOKENS * twice))
            yield Usage(input=len(question.instruction) // CHARACTERS, output=answer, cache_read=shared)


def _layer(data: bytes) -> TextLayer:
    data_type, media_type = sniff(data[:65_536], whole=lambda: data)
    rows = [row for row in perceiving(data_type) if row.name == "text.read"]
    if not rows:
        raise Refusal(ReasonCode.UNSUPPORTED_TYPE, "only a text can be priced before it is analysed")
    from app.perception.sandbox import sandbox  # noqa: PLC0415 - only where something is parsed

    result = sandbox().call(rows[0].implementation, Blob(data, media_type), Context(), deadline_s=rows[0].deadline_s)
    if not result.layers:
        raise Refusal(ReasonCode.NO_TEXT, "no text was found in the file")
    return result.layers[0]
