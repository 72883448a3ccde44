"""`echosphere access`."""

from __future__ import annotations

import click

from app.cli.console import emit, out
from app.cli.options import as_json, last_user, quiet_logging, user_option


@click.command()
@user_option("Whose data was read; without it, that of the last analysis on this machine.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True)
@as_json
def access(user_id: str | None, limit: int, offset: int, *, as_json: bool) -> None:
    """Show who read a person's data, why and when, newest first."""
    quiet_logging()
    from app.services.access import listed  # noqa: PLC0415 - `--help` needs no database driver

    rows, total = listed(last_user(user_id), limit=limit, offset=offset)
    if as_json:
        emit({"data": rows, "pagination": {"offset": offset, "limit": limit, "total": total}})
        return
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    table = Table("When", "Who", "What", "Why", "Package")
    for row in rows:
        table.add_row(row["timestamp"][:19], row["actor"], row["action"], row["purpose"], row["packageID"] or "")
    out().print(table)
