"""`echosphere verify-evidence`."""

from __future__ import annotations

import click

from app.cli.console import emit, out
from app.cli.options import as_json, quiet_logging, user_option
from app.services.verification import verify_evidence as verify


@click.command()
@user_option("Only this person's; without it, everybody's.")
@as_json
@click.pass_context
def verify_evidence(context: click.Context, user_id: str | None, *, as_json: bool) -> None:
    """Check that every stored passage equals its text layer at its place; exit status 1 where one does not."""
    quiet_logging()
    found = verify(user_id)
    wrong = [str(evidence_id) for evidence_id in found.wrong]
    if as_json:
        emit(
            {
                "ok": not wrong,
                "literal": found.literal,
                "measured": found.measured,
                "unproven": found.unproven,
                "wrong": wrong,
            }
        )
    else:
        out().print(f"{found.literal} passages literal, {found.measured} measured in sound, {len(wrong)} wrong")
        if found.unproven:
            out().print(f"{found.unproven} came in a bundle without its sources, are not proven and never shown")
        for evidence_id in wrong:
            out().print(f"  {evidence_id}", markup=False, soft_wrap=True)
    context.exit(1 if wrong else 0)
