"""`echosphere erase-due`."""

from __future__ import annotations

import click

from app.cli.console import emit, out
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import as_json, quiet_logging
from config.settings import settings


@click.command(name="erase-due")
@as_json
def erase_due(*, as_json: bool) -> None:
    """Erase now what the retention of its purpose no longer allows; the fleet does it every hour by itself."""
    from app.services.erasing import retention  # noqa: PLC0415 - `--help` needs no database driver

    quiet_logging()
    need_up(home())
    begun = [str(erasure_id) for erasure_id in retention.erase_due()]
    if as_json:
        emit({"erasureIDs": begun})
    elif settings().retention_days:
        out().print(f"{len(begun)} erasures begun; the fleet carries them on")
    else:
        out().print("nothing is ever due: ECHO_RETENTION_DAYS is not set")
