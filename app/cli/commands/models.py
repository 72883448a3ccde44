"""`echosphere models`: which models there are, what they cost and did here, and fetching the local ones."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.console import emit, out, say
from app.cli.options import as_json, quiet_logging
from config.settings import settings

if TYPE_CHECKING:
    from rich.table import Table

    from app.analyzers.llm.prices import Model, Price
    from app.analyzers.neural.models import Local

_WITHOUT_DATABASE = "No database answers, so that nothing measured is shown: `echosphere up --detach` starts one."


@click.group()
def models() -> None:
    """Show language models and local models; fetch the local ones."""


@models.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """Show prices, what was measured here, and which local models are installed."""
    quiet_logging()
    from app.analyzers.llm.prices import BUILT_IN, model_row  # noqa: PLC0415 - `--help` needs none of it
    from app.analyzers.llm.prices import models as table  # noqa: PLC0415 - as above
    from app.analyzers.neural.models import local  # noqa: PLC0415 - as above
    from app.errors import Misconfigured  # noqa: PLC0415 - as above

    file = settings().llm_models or Path(BUILT_IN)
    priced = table(file)
    try:
        chosen = model_row(settings().anthropic_model, file).name
    except Misconfigured as error:
        chosen = ""
        say(f"{error.message}. It is asked nothing.")
    found: dict[str, Any] = {
        "models": [_language(row, chosen=row.name == chosen) for row in priced.values()],
        "measured": _measured(),
        "local": [_local(one) for one in local(settings().models_dir)],
    }
    if found["measured"] is None:
        say(_WITHOUT_DATABASE)
    if as_json:
        emit(found)
        return
    for shown in (_prices(found["models"]), _figures(found["measured"] or []), _locals(found["local"])):
        if shown.row_count:
            out().print(shown)


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME[=REPOSITORY]]...")
@click.option("--optional", is_flag=True, help="A model that cannot be fetched is no error.")
@click.pass_context
def pull(context: click.Context, names: tuple[str, ...], *, optional: bool) -> None:
    """Fetch local models that are not there yet: all defaults, or those named."""
    quiet_logging()
    from app.analyzers.neural.models import pull as fetching  # noqa: PLC0415 - `--help` does not need it

    problems = fetching(names, settings().models_dir, say)
    for problem in problems:
        say(problem)
    context.exit(int(bool(problems) and not optional))


def _language(row: Model, *, chosen: bool) -> dict[str, Any]:
    above = {"promptTokens": row.above[0], "price": _price(row.above[1])} if row.above else None
    return {
        "name": row.name,
        "chosen": chosen,
        "price": _price(row.price),
        "above": above,
        "currency": "USD",
        "context": row.context,
        "date": row.date,
        "verified": row.verified,
    }


def _price(price: Price) -> dict[str, float]:
    names = {"input": "input", "output": "output", "cache_write": "cacheWrite", "cache_read": "cacheRead"}
    return {names[kind]: float(dollars) for kind, dollars in asdict(price).items()}


def _local(one: Local) -> dict[str, Any]:
    return {
        "name": one.name,
        "repository": one.model.repository if one.model else None,
        "licence": one.model.licence if one.model else None,
        "present": one.present,
        "revision": one.revision,
        "bytes": one.size,
    }


def _measured() -> list[dict[str, Any]] | None:
    """From the ledger; None where no database answers, or it has no ledger yet."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - `--help` needs no database driver

    from app.database import transaction  # noqa: PLC0415 - as above
    from app.errors import Misconfigured, StoreUnavailable  # noqa: PLC0415 - as above
    from app.services.llm import spending  # noqa: PLC0415 - as above

    try:
        with transaction() as connection:
            return spending.measured(connection)
    except (Misconfigured, StoreUnavailable, SQLAlchemyError):
        return None


def _prices(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    table = Table("Language model", "", "Read", "Written", "To cache", "From cache", "Context", "Price of", title=None)
    table.caption = "US dollars for a million tokens"
    for row in rows:
        checked = "" if row["verified"] else ", not verified"
        prices = [f"{dollars:g}" for dollars in row["price"].values()]
        mark = "chosen" if row["chosen"] else ""
        table.add_row(row["name"], mark, *prices, str(row["context"]), f"{row['date']}{checked}")
    return table


def _figures(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above

    figures = ("Prompt", "Window", "Calls", "Failed", "Median s", "Tokens", "USD", "Quotes", "Made up")
    table = Table("Measured here", *figures)
    for row in rows:
        rate, median = row["fabricationRate"], row["medianSeconds"]
        table.add_row(
            row["model"],
            row["prompt"] or "all",
            row["window"] or "all",
            str(row["calls"]),
            str(row["failures"]),
            "" if median is None else f"{median:.1f}",
            str(sum(row["tokens"].values())),
            f"{row['cost']:.4f}",
            str(row["quotes"]),
            "" if rate is None else f"{rate:.1%}",
        )
    return table


def _locals(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("Local model", "", "Revision", "MB", "Repository", "Licence")
    for row in rows:
        size = f"{row['bytes'] / 1e6:.0f}" if row["present"] else ""
        state = "installed" if row["present"] else "not installed"
        table.add_row(
            row["name"], state, (row["revision"] or "")[:12], size, row["repository"] or "", row["licence"] or ""
        )
    return table
