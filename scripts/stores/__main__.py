"""All local servers at once: `python -m scripts.stores up|down|status|build [NAME...]`.

`up` writes their addresses to `.local/stores.env`; `ECHO_ENV_FILE=.local/stores.env make run` then runs the whole
system on them. What runs already is left alone, and what was started is known by pid and working folder: nothing else
is ended.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path

from app.cli.console import say
from app.cli.embedded import runtime_path
from app.cli.environment import write_private
from app.cli.progress import step
from app.errors import EchoError
from config.settings import home
from scripts.stores.server import LocalServer, MissingToolchain, stop

#: Module by server, in the order of starting; a later one's settings win: RabbitMQ takes the place of Redis as broker.
STORES = {
    "postgres": "postgres",
    "redis": "redis",
    "rabbitmq": "rabbitmq",
    "mongodb": "mongodb",
    "neo4j": "neo4j",
    "aws": "aws",
    "gremlin": "gremlin",
}
#: Built for the tests, which start it themselves: it would take the place of Neo4j.
TESTS_ONLY = frozenset({"gremlin"})

PLACE = home() / "stores"
ENVIRONMENT = home() / "stores.env"
STATE = PLACE / "running.json"

_HEADER = "# Written by `make stores`. Use it: ECHO_ENV_FILE=.local/stores.env make run\n"
#: Values that need no quotes in an env file.
_PLAIN = re.compile(r"[\w./:@%?=&+,~-]*")


@dataclass(slots=True)
class Running:
    """A server that was started, or that keeps its port for the next time.

    Attributes:
        port: on loopback.
        pid: of its session; 0 where it was stopped.
        settings: variables by which EchoSphere finds it; may hold passwords.
    """

    port: int
    pid: int = 0
    settings: dict[str, str] = field(default_factory=dict)


def place(name: str) -> Path:
    """Data and log of a server."""
    return PLACE / name


def server(name: str, port: int | None = None) -> LocalServer:
    """The server of that name: the one class of its module.

    Raises:
        EchoError: there is none.
    """
    full = f"scripts.stores.{STORES[name]}"
    try:
        module = import_module(full)
    except ModuleNotFoundError as error:
        raise EchoError(f"{error.name} is missing: `make install`, or it is not part of this version") from error
    found = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, LocalServer) and kind.__module__ == full
    ]
    if not found:
        raise EchoError(f"{full} defines no server")
    made: LocalServer = found[0](place(name), port)
    return made


def read() -> dict[str, Running]:
    """What was started, as remembered."""
    try:
        return {name: Running(**kept) for name, kept in json.loads(STATE.read_text()).items() if name in STORES}
    except (OSError, ValueError, TypeError):
        return {}


def write(state: Mapping[str, Running]) -> None:
    """Remember it, and write the env file of those that run."""
    PLACE.mkdir(parents=True, exist_ok=True)
    write_private(STATE, json.dumps({name: asdict(kept) for name, kept in state.items()}, indent=2) + "\n")
    merged: dict[str, str] = {}
    for name in STORES:
        if name in state and state[name].pid:
            merged |= state[name].settings
    if merged:
        write_private(ENVIRONMENT, _HEADER + "".join(f"{name}={_quoted(value)}\n" for name, value in merged.items()))
    else:
        ENVIRONMENT.unlink(missing_ok=True)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def runs(name: str, kept: Running | None) -> bool:
    """Whether it still is our process: its pid, in its folder."""
    if kept is None or not kept.pid:
        return False
    try:
        where = Path(f"/proc/{kept.pid}/cwd").readlink()
        dead = Path(f"/proc/{kept.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
    return not dead and where.is_relative_to(place(name))


@dataclass(frozen=True, slots=True)
class Problem:
    """A server that could not be built or started; `excused` where only a program is missing that it is built with."""

    sentence: str
    excused: bool


def _problem(name: str, error: EchoError) -> Problem:
    return Problem(f"{name}: {error.message}", isinstance(error, MissingToolchain) and not os.environ.get("CI"))


def build(names: Iterable[str]) -> list[Problem]:
    """Fetch and compile what is not built yet."""
    problems = []
    for name in names:
        try:
            _built(server(name), name)
        except EchoError as error:
            problems.append(_problem(name, error))
    return problems


def _built(one: LocalServer, name: str) -> None:
    one.lacking()
    if one.recipe and not one.built.exists():
        with step(f"Building {name}"):
            one.build()


def up(names: Iterable[str]) -> list[Problem]:
    """Build and start what does not run yet."""
    state, problems = read(), list[Problem]()
    for name in names:
        kept = state.get(name)
        if runs(name, kept):
            say(f"  {name} runs already")
            continue
        try:
            one = server(name, _port(kept))
            _built(one, name)
            with step(f"Starting {name}"):
                pid = one.start()
            state[name] = Running(one.port, pid, {**one.settings()})
        except EchoError as error:
            problems.append(_problem(name, error))
        # After each: one that was started and not remembered would stay for ever.
        write(state)
    return problems


def _port(kept: Running | None) -> int | None:
    """Its port of last time, if that is still free."""
    import socket  # noqa: PLC0415 - only here

    if kept is None:
        return None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", kept.port))
        except OSError:
            return None
    return kept.port


def down(names: Iterable[str]) -> list[Problem]:
    """Stop what runs, the last started first; data stays."""
    state = read()
    for name in reversed([*names]):
        kept = state.get(name)
        if kept is None:
            continue
        if runs(name, kept):
            with step(f"Stopping {name}"):
                stop(kept.pid)
        kept.pid = 0
        shutil.rmtree(runtime_path(place(name)), ignore_errors=True)
        write(state)
    return []


def status(names: Iterable[str]) -> list[Problem]:
    """Say what runs."""
    state = read()
    for name in names:
        kept = state.get(name)
        said = f"pid {kept.pid}, port {kept.port}" if kept and runs(name, kept) else "not running"
        print(f"{name:10} {said}")
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        Exit status: 1 where a server failed; a missing toolchain is one in CI only.
    """
    parser = argparse.ArgumentParser(prog="python -m scripts.stores", description=(__doc__ or "").partition("\n")[0])
    commands = {"up": up, "down": down, "status": status, "build": build}
    parser.add_argument("command", choices=commands)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STORES)}; all unless given")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in STORES]:
        parser.error(f"unknown: {', '.join(unknown)}")
    names = chosen.names or [name for name in STORES if chosen.command != "up" or name not in TESTS_ONLY]
    begun = time.monotonic()
    problems = commands[chosen.command](names)
    for problem in problems:
        print(problem.sentence, file=sys.stderr)
    if chosen.command in {"up", "build"}:
        say(f"  {len(names) - len(problems)} of {len(names)} in {time.monotonic() - begun:.1f} s")
    if chosen.command == "up" and ENVIRONMENT.exists():
        say(f"  ECHO_ENV_FILE={os.path.relpath(ENVIRONMENT)} make run   runs the whole system on them")
    return int(not all(problem.excused for problem in problems))


if __name__ == "__main__":
    sys.exit(main())
