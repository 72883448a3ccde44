"""`echosphere sent` and `echosphere replay`: operators' commands on what vendors were asked and answered."""

from __future__ import annotations

from uuid import UUID

import click

from app.cli.console import emit, out, say
from app.cli.options import as_json, quiet_logging


@click.command()
@click.argument("package", type=click.UUID)
@as_json
def sent(package: UUID, *, as_json: bool) -> None:
    """Show exactly what of PACKAGE was sent to vendors, redacted as it left."""
    quiet_logging()
    from app.services import access, packages  # noqa: PLC0415 - `--help` needs no database driver
    from app.services.llm import replay as replaying  # noqa: PLC0415 - as above
    from app.vocabulary import AccessAction  # noqa: PLC0415 - as above

    owner = packages.owner_of(package)
    found = replaying.sent(package)
    access.record(None, owner, access.OPERATOR, AccessAction.READ_TEXT, "sent", package)
    if as_json:
        emit({"data": found})
        return
    if not found:
        say("Nothing of this package is recorded as sent to a vendor.")
    shown: set[tuple[str, int]] = set()
    for one in found:
        part = f"part {one['window'] + 1} of {one['windows']}"
        again = ", once more for its form" if one["attempt"] else ""
        out().print(f"{one['askedAt'][:19]}  {one['analyzer']} -> {one['model']}, {part}{again}", markup=False)
        # All tasks read the same text; it is shown with the first.
        if (one["document"], one["window"]) not in shown:
            shown.add((one["document"], one["window"]))
            out().print(f"\n{one['document']}\n", markup=False, soft_wrap=True)


@click.command()
@click.argument("run", type=click.UUID)
@click.option(
    "--model", default="", help="Ask this model instead of using the recorded answers; it costs what it costs."
)
@as_json
@click.pass_context
def replay(context: click.Context, run: UUID, model: str, *, as_json: bool) -> None:
    """Repeat what RUN asked language models, offline from its recorded answers; the features must be equal."""
    quiet_logging()
    from app.services.llm import replay as replaying  # noqa: PLC0415 - `--help` needs no database driver

    found = replaying.replay(run, model)
    if as_json:
        emit({"data": [one.as_json() for one in found]})
    else:
        for one in found:
            verdict = one.trouble or ("equal bit for bit" if one.equal else f"differs ({one.model})")
            out().print(f"{one.analyzer}: {verdict}", markup=False, soft_wrap=True)
            for mark, findings in (("+", one.gained), ("-", one.lost)):
                for kind, name in findings:
                    out().print(f"  {mark} {kind}: {name}", markup=False, soft_wrap=True)
    failed = any(one.trouble for one in found) if model else not all(one.equal for one in found)
    context.exit(1 if failed else 0)
