"""`echosphere demo-llm`: the whole language-model lane for somebody without a key, against a stub of the vendor."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import click

from app.analyzers.catalog import LOCAL_SCOPES
from app.cli.console import say
from app.cli.environment import home
from app.errors import Misconfigured
from config.settings import ROOT

#: Of the sample persona, what the language model reads.
SAMPLES = ("diary.md", "letters.txt")
STUB = ROOT / "tests" / "stub_anthropic.py"
SCOPE = "analyse:text:anthropic"
#: Seconds that the stub has to listen.
START_S = 10.0
LABEL = (
    "THIS IS A STUB. No language model is asked and nothing leaves this machine: the answers are made up from the "
    "first sentences of each text, to show the way of a question. With ECHO_ANTHROPIC_API_KEY set, `echosphere "
    f"analyze FILE --consent {','.join((LOCAL_SCOPES[0], SCOPE))}` asks Claude."
)


@click.command("demo-llm")
@click.pass_context
def demo_llm(context: click.Context) -> None:
    """Show the language-model lane without a key: a fleet of its own, a stub for the vendor, the sample persona."""
    samples = [ROOT / "examples" / "persona" / name for name in SAMPLES]
    if not STUB.exists():
        raise Misconfigured("the stub is part of the source code and not of the package: run this in a checkout")
    say(LABEL)
    port = _free_port()
    place = home() / "demo-llm"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ECHO_")},
        "ECHO_HOME": str(place),
        "ECHO_ANTHROPIC_API_KEY": "stub-key",
        "ECHO_ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "tests.stub_anthropic", "--port", str(port)]
    stub = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own interpreter and module
    try:
        _wait_for(port)
        status = _echosphere(environment, "up", "--detach")
        if status == 0:
            scopes = ",".join((*LOCAL_SCOPES, SCOPE))
            status = _echosphere(environment, "analyze", *map(str, samples), "--user", "demo", "--consent", scopes)
    finally:
        _echosphere(environment, "down")
        stub.terminate()
        stub.wait()
        shutil.rmtree(place, ignore_errors=True)
    say(LABEL)
    context.exit(status)


def _echosphere(environment: dict[str, str], *arguments: str) -> int:
    """The command line again, on the demonstration's own home."""
    command = [str(Path(sys.executable).with_name("echosphere")), *arguments]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Misconfigured("the stub of the vendor did not start: see what it printed above")
