"""`echosphere doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import click
from pydantic import ValidationError

from app.cli import wrong_settings
from app.cli.console import emit, out
from app.cli.environment import home, set_by_person
from app.cli.options import as_json, quiet_logging
from app.cli.supervision import Supervisor
from config.checks import Check, State, machine_checks, server_checks
from config.settings import settings

_COLOUR = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}


@click.command()
@as_json
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Say what is missing and the command that mends it; exit status 1 where something must be mended."""
    quiet_logging()
    found = [*_all()]
    failed = any(check.state is State.FAILED for check in found)
    if as_json:
        emit({"ok": not failed, "checks": [check.as_json() for check in found]})
    else:
        from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich
        from rich.text import Text  # noqa: PLC0415

        table = Table("Check", "")
        for title in ("Found", "What mends it"):
            table.add_column(title, overflow="fold")
        for check in found:
            state = Text(str(check.state), _COLOUR[check.state])
            table.add_row(check.name, state, Text(check.detail), Text(check.remedy))
        out().print(table)
    context.exit(1 if failed else 0)


def _all() -> Iterator[Check]:
    try:
        settings()
    except ValidationError as error:
        # Every other check reads settings.
        yield Check("settings", State.FAILED, wrong_settings(error), "correct them, and call `echosphere doctor` again")
        return
    running = Supervisor(home()).pid() is not None
    yield from machine_checks(settings(), set_by_person(), running=running)
    yield _vendor()
    # The addresses in `run.env` are those of servers that run only while the fleet is up.
    servers = [*server_checks(settings() if running else set_by_person())]
    yield from servers
    if all(check.state is State.OK for check in servers):
        yield _ledger()


def _vendor() -> Check:
    """Whether a language model could be asked; nobody is."""
    from app.analyzers.llm.prices import BUILT_IN, model_row  # noqa: PLC0415 - no other check needs it
    from app.errors import Misconfigured  # noqa: PLC0415 - as above

    chosen, name = settings(), "language model"
    if not chosen.anthropic_api_key.get_secret_value():
        return Check(
            name, State.WARNING, "no key: its analyzers are skipped", "set ECHO_ANTHROPIC_API_KEY to turn it on"
        )
    place = _address(chosen.anthropic_base_url) or "the vendor's address"
    try:
        row = model_row(chosen.anthropic_model, chosen.llm_models or BUILT_IN)
    except Misconfigured as error:
        return Check(name, State.FAILED, error.message, "set ECHO_ANTHROPIC_MODEL, or ECHO_LLM_MODELS with its price")
    checked = "verified" if row.verified else "not verified"
    return Check(name, State.OK, f"key set, {chosen.anthropic_model} at {place}, price of {row.date}, {checked}")


def _address(url: str) -> str:
    """Scheme, host and port: a path or a user name may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""


def _ledger() -> Check:
    from app.consent import verify_chain  # noqa: PLC0415 - only where a database answers
    from app.database import transaction  # noqa: PLC0415

    with transaction() as connection:
        broken = verify_chain(connection)
    if broken:
        first = f"first at entry {broken[0].sequence} of one of {len({one.user_id for one in broken})} people"
        return Check(
            "consent ledger", State.FAILED, f"its hash chain is broken, {first}", "restore the database from a backup"
        )
    return Check("consent ledger", State.OK, "its hash chain holds")
