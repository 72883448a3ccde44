"""`echosphere traits`."""

from __future__ import annotations

import click

from app.cli.client import Client
from app.cli.console import emit, out, say
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import as_json, last_user, quiet_logging, user_option
from app.cli.show import candidates_table


@click.command()
@user_option("Whose traits; without it, those of the last analysis on this machine.")
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True)
@as_json
def traits(user_id: str | None, limit: int, offset: int, *, as_json: bool) -> None:
    """List trait candidates, best first."""
    quiet_logging()
    need_up(home())
    with Client(last_user(user_id)) as client:
        page = client.page(limit=limit, offset=offset)
    if as_json:
        emit(page)
    elif page["data"]:
        out().print(candidates_table(page["data"]))
    else:
        say(f"No candidates for {client.user_id} yet: `echosphere analyze FILE --user {client.user_id}` proposes some.")
