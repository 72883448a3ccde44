"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.environment import home, write_private
from app.services.tokens import USER_ID

#: Whose data a newcomer's own files are.
DEFAULT_USER = "me"

as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not USER_ID.fullmatch(value):
        raise click.BadParameter("a user id is 1 to 128 of A-Z a-z 0-9 . _ : @ -")
    return value


def user_option(text: str) -> Callable[[Any], Any]:
    """`--user ID`, checked."""
    return click.option("--user", "user_id", callback=_checked, help=text)


def last_user(given: str | None) -> str:
    """The user asked for, else the one of the last analysis on this machine, else `me`."""
    if given is not None:
        return given
    try:
        return _last_user_file().read_text(encoding="utf-8").strip() or DEFAULT_USER
    except OSError:
        return DEFAULT_USER


def remember_user(user_id: str) -> None:
    """Keep whose analysis was the last one."""
    write_private(_last_user_file(), f"{user_id}\n")


def _last_user_file() -> Path:
    return home() / "last-user"


def quiet_logging() -> None:
    """Log lines of libraries only where something is wrong: the result is what the command prints."""
    from config.logging import configure  # noqa: PLC0415 - commands that print nothing of the kind need it not

    configure("DEBUG" if os.environ.get("ECHO_DEBUG") else "ERROR")
