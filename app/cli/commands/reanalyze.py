"""`echosphere reanalyze`: an operator's command, which begins runs of packages that are there."""

from __future__ import annotations

from uuid import UUID

import click

from app.cli.console import emit, out
from app.cli.options import as_json, quiet_logging, user_option


@click.command()
@click.argument("packages", type=click.UUID, nargs=-1, metavar="[PACKAGE]...")
@user_option("All packages of this person; with PACKAGE, only if they are theirs.")
@click.option("--all", "everybody", is_flag=True, help="All packages of everybody.")
@click.option("--bulk", is_flag=True, help="Ask vendors in batches: half the price, and answers within a day.")
@as_json
@click.pass_context
def reanalyze(
    context: click.Context,
    packages: tuple[UUID, ...],
    user_id: str | None,
    *,
    everybody: bool,
    bulk: bool,
    as_json: bool,
) -> None:
    """Analyse packages again; exit status 1 where one could not be begun."""
    if everybody == bool(packages or user_id):
        raise click.UsageError("name PACKAGEs or --user, or --all")
    quiet_logging()
    from app.services import reanalysis  # noqa: PLC0415 - `--help` needs no database driver
    from app.tasks.pipeline import pipeline  # noqa: PLC0415 - as above

    begun, troubles = [], 0
    for run in reanalysis.again(pipeline(), packages, user_id, bulk=bulk):
        troubles += run["trouble"] is not None
        if as_json:
            begun.append({name: None if value is None else str(value) for name, value in run.items()})
        else:
            said = run["trouble"] or f"run {run['runID']}, {run['runStatus']}"
            out().print(f"{run['packageID'] or 'further packages'}  {said}", markup=False, soft_wrap=True)
    if as_json:
        emit({"bulk": bulk, "data": begun})
    elif bulk and not troubles:
        out().print("What vendors are asked travels in batches: the answers come within a day.")
    context.exit(1 if troubles else 0)
