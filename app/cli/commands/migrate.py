"""`echosphere migrate`."""

from __future__ import annotations

import click

from app.errors import StoreUnavailable
from config.settings import ROOT


@click.command()
def migrate() -> None:
    """Bring every store's schema up to date: tables, indexes, constraints. `echosphere up` does it by itself."""
    from alembic import command  # noqa: PLC0415 - 0.2 s, for this command only
    from alembic.config import Config  # noqa: PLC0415 - as above

    from app.features import feature_store  # noqa: PLC0415 - as above
    from app.pkg import graph_store  # noqa: PLC0415 - as above

    command.upgrade(Config(str(ROOT / "migrations" / "alembic.ini")), "head")
    feature_store().prepare()
    try:
        graph_store().prepare()
    except StoreUnavailable as error:
        # Reviews go on without the graph, which catches up: it is no reason not to start.
        click.echo(f"{error.message}; run `echosphere migrate` again when it does", err=True)
