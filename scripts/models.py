"""Fetch the local models of the gpu queue into `ECHO_MODELS_DIR`, as `echosphere models pull` does.

    python scripts/models.py pull             all default models
    python scripts/models.py pull emotion     one of them
    python scripts/models.py pull emotion=ORGANISATION/MODEL   another model from the hub under that name
    python scripts/models.py list             what there is, and what is installed

`make models` runs it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.analyzers.neural.models import local, pull
from config.settings import settings


def show(place: Path) -> None:
    """Print the default models, and what else is installed."""
    for one in local(place):
        state = "installed" if one.present else "not installed"
        known = f"{one.model.licence:11} {one.model.use}  ({one.model.repository})" if one.model else ""
        print(f"{one.name:12} {state:14} {known}".rstrip())


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 1 where a model is missing afterwards, 0 otherwise and always with --optional.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    puller = commands.add_parser("pull", help="fetch models that are not there yet")
    puller.add_argument("models", nargs="*", metavar="NAME[=REPOSITORY]")
    puller.add_argument("--optional", action="store_true", help="a model that cannot be fetched is no error")
    commands.add_parser("list", help="what there is, and what is installed")
    chosen = parser.parse_args(arguments)
    place = settings().models_dir
    if chosen.command == "list":
        show(place)
        return 0
    problems = pull(chosen.models, place, print)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems and chosen.optional:
        print("Without them their analyzers are skipped and say so; everything else works.", file=sys.stderr)
    return int(bool(problems) and not chosen.optional)


if __name__ == "__main__":
    sys.exit(main())
