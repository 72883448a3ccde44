"""What analysing a file would cost at vendors, before anything of it leaves: estimated here, from its text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.analysis import Blob, Context
from app.analyzers.catalog import interpreting, perceiving
from app.analyzers.llm.analyse import LEAST_WORDS, requests
from app.asking import Request, Usage
from app.consent.scopes import covers
from app.errors import Refusal
from app.layers import TextLayer
from app.perception.sniff import sniff
from app.prose import prose_of
from app.services.llm import vendors
from app.services.llm.vendors import vendor_name
from app.vocabulary import ReasonCode
from config.settings import settings

#: Characters of a token of usual prose. An estimate: only the vendor counts, and the text does not leave for it.
CHARACTERS = 4
#: Tokens of a usual answer, and seconds until it is whole: assumptions; `at_most` rests on neither.
ANSWER_TOKENS, ANSWER_S = 1_500, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An estimate.

    Attributes:
        model: that would be asked.
        questions: calls, without repairs.
        tokens: of all questions, about.
        about: US dollars, if tasks that read the same text find it in the vendor's cache.
        at_most: US dollars, with nothing in a cache, the longest answers, and every answer asked for twice.
        seconds: about, with the calls that may be made at a time.
    """

    model: str
    questions: int
    tokens: int
    about: Decimal
    at_most: Decimal
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """As `echosphere analyze --dry-run --json` shows it; money as text, so that it stays exact."""
        return {
            "model": self.model,
            "questions": self.questions,
            "tokens": self.tokens,
            "costAbout": str(self.about),
            "costAtMost": str(self.at_most),
            "currency": "USD",
            "seconds": self.seconds,
        }


def quote(data: bytes, scopes: tuple[str, ...]) -> Quote:
    """Estimate what vendors would take for a file.

    Args:
        data: the whole file.
        scopes: that would be granted.

    Raises:
        Refusal: it cannot be read without being analysed, or no text is in it.
        Misconfigured: the model has no price.
    """
    asked = [row for row in interpreting() if vendor_name(row) and covers(scopes, row.scope)]
    layer = _layer(data) if asked else None
    found: list[Request] = []
    for row in asked if layer and prose_of(layer).own_word_count >= LEAST_WORDS else ():
        found += requests(layer, {**row.options, **settings().analyzer_options.get(row.name, {})}) if layer else []
    model = settings().anthropic_model
    worst = sum((2 * vendors.worst(request, model) for request in found), Decimal(0))
    usages = _usages(found)
    about = sum((vendors.price(usage, model) for usage in usages), Decimal(0))
    return Quote(
        model=model,
        questions=len(found),
        tokens=sum(usage.prompt for usage in usages),
        about=about,
        at_most=min(worst, settings().llm_budget_run),
        seconds=-(-len(found) // settings().llm_concurrency) * ANSWER_S,
    )


def _usages(found: list[Request]) -> list[Usage]:
    """The first that reads a text puts it into the cache, the others find it there."""
    known: set[str] = set()
    usages = []
    for request in found:
        shared = (len(request.system) + len(request.document) + len(str(request.schema))) // CHARACTERS
        fresh = request.document not in known
        known.add(request.document)
        usages.append(
            Usage(
                input=len(request.instruction) // CHARACTERS,
                output=ANSWER_TOKENS,
                cache_write=shared if fresh else 0,
                cache_read=0 if fresh else shared,
            )
        )
    return usages


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
