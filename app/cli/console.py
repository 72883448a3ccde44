"""What every command prints with: people read standard error and tables, machines read standard output."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


#: Columns of tables where there is no terminal to ask.
WIDTH = 120


@cache
def out() -> Console:
    """Standard output, for results."""
    from rich.console import Console  # noqa: PLC0415 - `--help` and `--json` need no rich

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


@cache
def err() -> Console:
    """Standard error, for everything that is not the result."""
    from rich.console import Console  # noqa: PLC0415 - as above

    return Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """A line for the person, on standard error; never markup, since names of files may hold brackets."""
    err().print(message, markup=False, soft_wrap=True)


def emit(document: Any) -> None:  # noqa: ANN401 - any JSON
    """The result as JSON, and nothing else, on standard output; ASCII, so that no locale can break it."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()
