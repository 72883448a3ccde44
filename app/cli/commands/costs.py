"""`echosphere costs`."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli.console import emit, out
from app.cli.options import as_json, last_user, quiet_logging, user_option

#: Traits shown in a table; `--json` names 500.
SHOWN = 20


@click.command()
@user_option("Whose; without it, the user of the last analysis on this machine.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="Runs at most.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="Runs to leave out.")
@as_json
def costs(user_id: str | None, limit: int, offset: int, *, as_json: bool) -> None:
    """Show what language models cost for a person: by analyzer, run and trait, and what the month's budget leaves."""
    quiet_logging()
    from app.services import access  # noqa: PLC0415 - `--help` needs no database driver
    from app.services.llm import spending  # noqa: PLC0415 - as above
    from app.vocabulary import AccessAction  # noqa: PLC0415 - as above

    user = last_user(user_id)
    found = spending.of_person(user, limit=limit, offset=offset)
    access.record(None, user, access.OPERATOR, AccessAction.READ_TRAITS, "costs")
    if as_json:
        emit(json.loads(json.dumps(found, default=_plain)))
        return
    _print(user, found)


def _plain(value: object) -> str:
    """Times as ISO 8601, ids as text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _print(user: str, found: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    month, currency = found["month"], found["currency"]
    out().print(
        f"{user}: {found['total']:.4f} {currency} in all; this month {month['spent']:.4f} of {month['budget']:.2f}, "
        f"{month['left']:.4f} left",
        markup=False,
        soft_wrap=True,
    )
    analyzers = Table("Analyzer", "Calls", "Tokens", currency)
    for row in found["analyzers"]:
        name = row["analyzer"] or "of erased uploads"
        analyzers.add_row(name, str(row["calls"]), str(row["tokens"]), f"{row['cost']:.4f}")
    runs = Table("Run", "Asked", "Upload", "State", "Calls", currency)
    for row in found["runs"]:
        asked = row["askedAt"].isoformat()[:19]
        upload = row["file"] or "erased"
        runs.add_row(str(row["runID"]), asked, upload, row["runStatus"] or "", str(row["calls"]), f"{row['cost']:.4f}")
    traits = Table("Trait", currency)
    for row in found["traits"][:SHOWN]:
        traits.add_row(row["traitName"], f"{row['cost']:.4f}")
    rest = sum(row["cost"] for row in found["traits"][SHOWN:]) + found["otherTraits"]
    if rest:
        traits.add_row("further traits", f"{rest:.4f}")
    traits.add_row("led to no trait", f"{found['unshared']:.4f}")
    if found["analyzers"]:
        out().print(analyzers, runs, traits)
