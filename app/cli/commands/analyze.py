"""`echosphere analyze`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.analyzers.catalog import LOCAL_SCOPES
from app.cli import analysis
from app.cli.client import Client
from app.cli.console import emit, out, say
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import DEFAULT_USER, as_json, quiet_logging, remember_user, user_option
from app.vocabulary import Authorship, ReasonCode

if TYPE_CHECKING:
    from app.asking import Request
    from app.services.llm.quote import Count


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
@click.option("--dry-run", is_flag=True, help="Only estimate what vendors would take; nothing is uploaded or sent.")
@click.option(
    "--count", is_flag=True, help="With --dry-run: the vendor counts the tokens, for which the redacted text leaves."
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
    dry_run: bool,
    count: bool,
    as_json: bool,
) -> None:
    """Analyse files and show the trait candidates with their evidence.

    Analysing grants a consent for it; it is in the ledger and can be revoked.
    """
    quiet_logging()
    if count and not dry_run:
        raise click.UsageError("--count is for --dry-run")
    if dry_run:
        context.exit(_quoted(files, scopes, count=count, as_json=as_json))
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


def _quoted(files: tuple[Path, ...], scopes: tuple[str, ...], *, count: bool, as_json: bool) -> int:
    """Show what vendors would take; the exit status."""
    from app.analyzers.llm.port import VendorError  # noqa: PLC0415 - only a dry run needs any of it
    from app.errors import Reason, Refusal  # noqa: PLC0415 - as above
    from app.services.llm.quote import quote  # noqa: PLC0415 - as above

    counting = _counting() if count else None
    rows = []
    for file in files:
        row: dict[str, Any] = {"file": str(file), "reason": None}
        try:
            row |= quote(file.read_bytes(), scopes, counting).as_json()
        except Refusal as refusal:
            row["reason"] = refusal.reason.as_json()
        except VendorError as error:
            # The text of other files has left for their figures: these are not lost with this one.
            unavailable = Reason(ReasonCode.VENDOR_UNAVAILABLE, error.message, {"kind": str(error.kind)})
            row["reason"] = unavailable.as_json()
        rows.append(row)
    if as_json:
        emit({"data": rows})
        return int(any(row["reason"] for row in rows))
    for row in rows:
        if row["reason"]:
            said = row["reason"]["message"]
        elif not row["questions"]:
            said = (
                "nothing would be sent: the scopes cover no vendor (analyse:text:anthropic), or the text is too short"
            )
        else:
            tokens = f"{row['tokens']} tokens"
            tokens = f"{tokens} by the vendor's count" if row["counted"] else f"about {tokens}"
            again = f" (up to {row['askedAgain']} of them ask twice)" if row["askedAgain"] else ""
            said = (
                f"{row['questions']} questions to {row['model']}{again}, {tokens}, about "
                f"{float(row['costAbout']):.2f} USD (never more than {float(row['costAtMost']):.2f}), "
                f"about {row['seconds']:.0f} s"
            )
        out().print(f"{row['file']}: {said}", markup=False, soft_wrap=True)
    return int(any(row["reason"] for row in rows))


def _counting() -> Count:
    """The vendor's counting, which says that something leaves before it does."""
    from app.services.llm import counting  # noqa: PLC0415 - only where it is asked for

    def count(requests: Sequence[Request]) -> Mapping[str, int]:
        if requests:
            say("The text, redacted, is sent to the vendor (analyse:text:anthropic) to be counted.")
        return counting.count(requests)

    return count
