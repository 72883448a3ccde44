"""Which vendor a row of the catalog needs, whether it is set up, and the vendor itself.

No vendor's library is imported here: only who asks imports the adapter.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from app.analyzers.catalog import AnalyzerRow
from app.asking import Request, Usage
from app.errors import Misconfigured, Reason
from app.vocabulary import Queue, ReasonCode
from config.settings import settings

if TYPE_CHECKING:
    from app.analyzers.llm.bulk import Batches
    from app.analyzers.llm.port import Vendor

#: Tokens of a question are at most half of its bytes; a model's usual text has four characters a token.
_BYTES_OF_A_TOKEN = 2


def vendor_name(row: AnalyzerRow) -> str | None:
    """The vendor whose scope a row needs; None where it runs here."""
    return row.scope.rpartition(":")[2] if row.queue is Queue.LLM else None


def missing_vendor(row: AnalyzerRow) -> Reason | None:
    """Why a row cannot run for want of its vendor. Asked when planned, so that no message is sent for nothing."""
    name = vendor_name(row)
    if name is None:
        return None
    if not settings().anthropic_api_key.get_secret_value():
        return Reason(ReasonCode.MODEL_MISSING, "ECHO_ANTHROPIC_API_KEY is not set", {"vendor": name})
    try:
        price(Usage())
    except Misconfigured as error:
        return Reason(ReasonCode.MODEL_MISSING, error.message, {"vendor": name})
    return None


def price(usage: Usage, model: str = "", answered: str = "", *, bulk: bool = False) -> Decimal:
    """US dollars of a call, by the price of the model that answered, else of the one that was asked.

    Args:
        usage: as the vendor counted it.
        model: that was asked.
        answered: that answered.
        bulk: whether it was part of a batch.

    Raises:
        Misconfigured: there is no price for either.
    """
    from app.analyzers.llm.prices import BUILT_IN, cost  # noqa: PLC0415 - most processes never need a price

    table = settings().llm_models or Path(BUILT_IN)
    if answered:
        try:
            return cost(usage, answered, table, bulk=bulk)
        except Misconfigured:
            pass
    return cost(usage, model or settings().anthropic_model, table, bulk=bulk)


def worst(request: Request, model: str, *, bulk: bool = False) -> Decimal:
    """The most that a question can cost: all of it newly cached, and an answer as long as it may be."""
    asked = (request.system, request.document, request.instruction, str(request.schema))
    read = sum(len(part.encode("utf-8", "surrogatepass")) for part in asked) // _BYTES_OF_A_TOKEN
    usages = (Usage(cache_write=read, output=request.max_output_tokens), Usage(read, request.max_output_tokens))
    return max(price(usage, model, bulk=bulk) for usage in usages)


def vendor(model: str = "") -> Vendor:
    """The vendor as it is set up, one for each model in a process."""
    chosen = settings()
    return _anthropic(
        chosen.anthropic_api_key.get_secret_value(), model or chosen.anthropic_model, chosen.anthropic_base_url
    )


@cache
def _anthropic(api_key: str, model: str, base_url: str) -> Vendor:
    from app.analyzers.llm.anthropic_vendor import Anthropic  # noqa: PLC0415 - the SDK loads where somebody asks

    return Anthropic(api_key=api_key, model=model, base_url=base_url)


def batches() -> Batches:
    """The vendor's batches as they are set up."""
    from app.analyzers.llm.anthropic_batches import AnthropicBatches  # noqa: PLC0415 - as above

    chosen = settings()
    return AnthropicBatches(
        api_key=chosen.anthropic_api_key.get_secret_value(),
        model=chosen.anthropic_model,
        base_url=chosen.anthropic_base_url,
    )


def key_digest() -> str:
    """What tells keys apart in rows and locks."""
    return sha256(settings().anthropic_api_key.get_secret_value().encode()).hexdigest()[:16]
