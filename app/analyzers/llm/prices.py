"""What a call costs: a table of prices with its date, and one multiplication.

The figures of `models.json` are those of the vendor's pages at its date, marked as not verified; whoever pays sets a
file of the same form with the prices of the contract.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Self

from app.asking import Usage
from app.errors import Misconfigured

BUILT_IN = Path(__file__).with_name("models.json")
_MILLION = Decimal(1_000_000)
_KINDS = ("input", "output", "cache_write", "cache_read")
#: What a batch costs of it, where the table does not say.
BATCH = "0.5"


@dataclass(frozen=True, slots=True)
class Price:
    """Prices in US dollars per million tokens.

    Attributes:
        input: tokens read.
        output: tokens written.
        cache_write: tokens read and kept for five minutes.
        cache_read: tokens found again.
    """

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal

    @classmethod
    def read(cls, doc: dict[str, Any]) -> Self:
        """From a row of the table."""
        return cls(*(Decimal(str(doc[kind])) for kind in _KINDS))

    def of(self, usage: Usage) -> Decimal:
        """US dollars."""
        return sum((Decimal(getattr(usage, kind)) * getattr(self, kind) for kind in _KINDS), Decimal(0)) / _MILLION


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the table.

    Attributes:
        name: the vendor's id.
        price: of a call.
        context: tokens that question and answer may have together.
        date: of the figures.
        verified: whether somebody checked them against a bill.
        above: tokens of a question from which on the other price holds, and that price.
        batch: what a question in a batch costs of this.
    """

    name: str
    price: Price
    context: int
    date: str
    verified: bool
    above: tuple[int, Price] | None = None
    batch: Decimal = Decimal(BATCH)


@cache
def models(path: Path = BUILT_IN) -> dict[str, Model]:
    """The table, by model id.

    Raises:
        Misconfigured: the file is no such table.
    """
    try:
        doc = json.loads(path.read_text(encoding="utf-8"))
        shared = {"date": doc["date"], "batch": doc.get("batch", BATCH)}
        return {name: _model(name, {**shared, **row}) for name, row in doc["models"].items()}
    except (OSError, ValueError, KeyError, ArithmeticError, TypeError):
        raise Misconfigured(f"{path.name} is no table of models: it must have the form of {BUILT_IN.name}") from None


def _model(name: str, row: dict[str, Any]) -> Model:
    above = row.get("above")
    return Model(
        name=name,
        price=Price.read(row),
        context=int(row["context"]),
        date=row["date"],
        verified=bool(row.get("verified")),
        above=(int(above["prompt"]), Price.read(above)) if above else None,
        batch=Decimal(str(row["batch"])),
    )


def model_row(model: str, path: Path = BUILT_IN) -> Model:
    """The row of a model; a dated id ("claude-haiku-4-5-20251001") has that of its family.

    Raises:
        Misconfigured: the table does not know it, so that no budget could hold.
    """
    table = models(path)
    known = [name for name in table if model == name or model.startswith(f"{name}-2")]
    if not known:
        raise Misconfigured(f"no price is known for the model {model!r}: add it to the table of models", model=model)
    return table[max(known, key=len)]


def cost(usage: Usage, model: str, path: Path = BUILT_IN, *, bulk: bool = False) -> Decimal:
    """US dollars of a call, exactly.

    Args:
        usage: as the vendor counted it.
        model: the vendor's id.
        path: the table of models.
        bulk: whether it was part of a batch.

    Raises:
        Misconfigured: there is no price for the model.
    """
    row = model_row(model, path)
    price = row.above[1] if row.above and usage.prompt > row.above[0] else row.price
    return price.of(usage) * (row.batch if bulk else 1)
