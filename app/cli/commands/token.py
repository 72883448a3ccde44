"""`echosphere token`."""

from __future__ import annotations

import click

from app.cli.options import last_user, user_option
from app.errors import InvalidInput
from app.services import tokens


@click.command()
@user_option("Whose token; without it, the user of the last analysis.")
@click.option("--scopes", default=",".join(tokens.OWN_SCOPES), show_default=True, help="Comma-separated.")
@click.option(
    "--ttl", type=click.IntRange(1, 10 * 365 * 86400), default=3600, show_default=True, help="Seconds it lives."
)
def token(user_id: str | None, scopes: str, ttl: int) -> None:
    """Print a bearer token for the API, and nothing else."""
    try:
        made = tokens.mint(last_user(user_id), [part for part in scopes.replace(" ", ",").split(",") if part], ttl)
    except InvalidInput as error:
        raise click.BadParameter(f"{error.message}; there are: {', '.join(tokens.Scope)}") from error
    click.echo(made)
