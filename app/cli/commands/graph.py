"""`echosphere graph`."""

from __future__ import annotations

import click

from app.cli.console import emit, out
from app.cli.options import as_json, quiet_logging, user_option


@click.group()
def graph() -> None:
    """Work on the persona knowledge graphs."""


@graph.command()
@user_option("Only this person's; without it, everybody's.")
@as_json
def rebuild(user_id: str | None, *, as_json: bool) -> None:
    """Build the graphs anew from the decision log; the same decisions give the same digest."""
    quiet_logging()
    from app.services import graph as graphs  # noqa: PLC0415 - `--help` needs no database driver

    digests = graphs.rebuild(user_id)
    if as_json:
        emit({"data": [{"userID": user, "digest": digest} for user, digest in sorted(digests.items())]})
        return
    for user, digest in sorted(digests.items()):
        out().print(f"{user}  {digest}", markup=False, soft_wrap=True)
