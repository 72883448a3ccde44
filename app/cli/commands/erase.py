"""`echosphere erase` and `echosphere verify-receipt`."""

from __future__ import annotations

import json
import time
from typing import Any, TextIO

import click

from app.cli.client import Client
from app.cli.console import emit, err, out, say
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import as_json, last_user, quiet_logging, user_option
from app.errors import InvalidInput

#: Seconds between looks at an erasure.
PAUSE_S = 0.3
#: Candidates and traits named before the question.
NAMED = 10
#: What stays, by the names in a receipt, and why.
STAYS = {
    "access_log": "who read what (proof)",
    "consent_ledger": "what was allowed (proof)",
    "erasures": "what was erased (proof)",
    "llm_calls": "what calls to vendors cost, without the upload's id, until everything is erased (the month's budget)",
}


@click.command()
@click.argument("package", type=click.UUID, required=False)
@click.option("--all", "everything", is_flag=True, help="Everything that is known of the person.")
@user_option("Whose; with --all it must be named.")
@click.option("--keep-settled", is_flag=True, help="Keep settled traits as the person's own, without evidence.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
def erase(
    context: click.Context,
    package: Any,  # noqa: ANN401 - click gives a UUID or None
    user_id: str | None,
    *,
    everything: bool,
    keep_settled: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase PACKAGE, or with --all everything, after showing what goes with it; print the receipt.

    From the first moment nothing of it can be read. Exit status 0 where nothing is left and nothing was found.
    """
    if everything == (package is not None):
        raise click.UsageError("name a PACKAGE, or --all with --user")
    if everything and user_id is None:
        raise click.UsageError("--all needs --user: whose data goes is not guessed")
    quiet_logging()
    need_up(home())
    package_id = str(package) if package is not None else None
    with Client(_owner(package_id, user_id)) as client:
        if not yes:
            _show(client, package_id, keep_settled=keep_settled)
            click.confirm("Erase it? There is no way back", abort=True, err=True)
        erasure = _wait(client, client.erase(package_id, keep_settled=keep_settled))
    receipt = erasure["receipt"]
    if as_json:
        emit(receipt)
    else:
        _print(receipt)
    context.exit(0 if receipt["clean"] else 1)


@click.command(name="verify-receipt")
@click.argument("file", type=click.File("r", encoding="utf-8"), metavar="FILE")
@as_json
@click.pass_context
def verify_receipt(context: click.Context, file: TextIO, *, as_json: bool) -> None:
    """Check that the receipt in FILE is as it was signed, and whether by this installation; 1 where it is not."""
    from app.services.erasing.receipt import verify  # noqa: PLC0415 - `erase` needs no signatures

    quiet_logging()
    try:
        document = json.load(file)
    except ValueError as error:
        raise InvalidInput("the file is no JSON") from error
    if not isinstance(document, dict):
        raise InvalidInput("the file holds no receipt")
    checked = verify(document)
    if as_json:
        emit(checked)
    else:
        signed = "by this installation" if checked["ours"] else "by another installation"
        clean = "nothing is left" if checked["clean"] else "something is left"
        out().print(f"Signed {signed}; {clean}." if checked["valid"] else "Not as it was signed.")
    context.exit(0 if checked["valid"] else 1)


def _owner(package_id: str | None, user_id: str | None) -> str:
    """Whose package it is, where nobody said."""
    if package_id is None or user_id is not None:
        return last_user(user_id)
    from uuid import UUID  # noqa: PLC0415 - as below

    from app.errors import NotFound  # noqa: PLC0415 - as below
    from app.services.packages import owner_of  # noqa: PLC0415 - only where it has to be looked up

    try:
        return owner_of(UUID(package_id))
    except NotFound:
        return last_user(None)  # erased before: the person's own list of erasures knows it


def _show(client: Client, package_id: str | None, *, keep_settled: bool) -> None:
    preview = client.preview_erasure(package_id)
    total = preview["total"]
    say(
        f"{preview['packages']} uploads of {client.user_id} go, and with them {total['candidates']} candidates and "
        f"{total['settledTraits']} settled traits that rest on nothing else."
    )
    for trait in [*preview["settledTraits"], *preview["candidates"]][:NAMED]:
        say(f"  {trait['traitName']}")
    if keep_settled:
        say("The settled traits stay as the person's own, without evidence.")
    if preview["candidatesThatStay"]:
        say(f"{preview['candidatesThatStay']} candidates rest on other uploads, too, and stay.")


def _wait(client: Client, erasure: dict[str, Any]) -> dict[str, Any]:
    """Follow the erasure until its receipt is there."""
    screen = err()
    with screen.status("Erasing") as line:
        shown = None
        while erasure["state"] != "done":
            doing = f"Erasing: {erasure['stage']} done"
            if doing != shown:
                shown = doing
                line.update(doing)
                if not screen.is_terminal:
                    say(f"  {doing}")
            time.sleep(PAUSE_S)
            erasure = client.erasure(erasure["erasureID"])
    return erasure


def _print(receipt: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    stores = Table("Store", "Before", "After", title=None)
    for one in receipt["stores"]:
        stores.add_row(one["store"], str(one["before"]), str(one["after"]))
    searched = Table("Searched", "For", "Found", title=None)
    for one in receipt["search"]:
        searched.add_row(one["store"], str(one["searched"]), str(one["found"]))
    out().print(stores)
    out().print(searched)
    verdict = "clean: nothing is left and nothing was found" if receipt["clean"] else "NOT clean: see the figures above"
    out().print(f"Receipt {receipt['erasureID']}, {receipt['finishedAt']}, {verdict}", markup=False, soft_wrap=True)
    stays = [STAYS[name] for name in receipt["stays"] if name in STAYS]
    if stays:
        out().print(f"What stays, without any content: {'; '.join(stays)}", markup=False, soft_wrap=True)
