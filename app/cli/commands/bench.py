"""`echosphere bench`."""

from __future__ import annotations

import subprocess
import sys

import click

from app.errors import Misconfigured
from config.settings import ROOT

BENCHMARK = ROOT / "benchmarks" / "fleet.py"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENT]...")
@click.pass_context
def bench(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Measure the fleet against plain processes, with the arguments of benchmarks/fleet.py: `bench --rounds 1`."""
    if not BENCHMARK.is_file():
        raise Misconfigured("the benchmark is part of the source code and not of the package: run this in a checkout")
    command = [sys.executable, str(BENCHMARK), *arguments]
    context.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)  # noqa: S603 - our own interpreter and file
