"""`echosphere analyze`."""

from __future__ import annotations

from pathlib import Path

import click

from app.analyzers.catalog import LOCAL_SCOPES
from app.cli import analysis
from app.cli.client import Client
from app.cli.console import emit, out, say
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import DEFAULT_USER, as_json, quiet_logging, remember_user, user_option
from app.vocabulary import Authorship


def _scopes(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    if value is None:
        return LOCAL_SCOPES
    wanted = tuple(part for part in value.replace(" ", ",").split(",") if part)
    if not wanted:
        raise click.BadParameter(f"name one scope at least, of {', '.join(LOCAL_SCOPES)}")
    return wanted


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    metavar="FILE...",
)
@user_option(f"Whose words they are.  [default: {DEFAULT_USER}]")
@click.option("--consent", "scopes", callback=_scopes, help="Comma-separated scopes; without it, all local analysis.")
@click.option(
    "--authorship",
    type=click.Choice([str(kind) for kind in Authorship]),
    default=str(Authorship.UNKNOWN),
    show_default=True,
    help="Who wrote it; nothing is said of you by words that are not yours.",
)
@as_json
@click.pass_context
def analyze(
    context: click.Context,
    files: tuple[Path, ...],
    user_id: str | None,
    scopes: tuple[str, ...],
    authorship: str,
    *,
    as_json: bool,
) -> None:
    """Analyse files and show the trait candidates with their evidence.

    Analysing grants a consent for it; it is in the ledger and can be revoked.
    """
    quiet_logging()
    place, user_id = home(), user_id or DEFAULT_USER
    need_up(place)
    with Client(user_id) as client:
        uploads = analysis.analyse(client, files, scopes, authorship)
        remember_user(user_id)
        candidates = analysis.collect(client, uploads)
    if as_json:
        packages = [upload.as_json() for upload in uploads]
        emit({"userID": user_id, "packages": packages, "candidates": candidates})
    elif candidates:
        from app.cli.show import candidates_table  # noqa: PLC0415 - `--json` needs no rich tables

        out().print(candidates_table(candidates))
    for upload in uploads:
        say(analysis.in_words(upload))
        for line in analysis.remarks(upload):
            say(f"  {line}")
    context.exit(0 if all(upload.succeeded for upload in uploads) else 1)
