"""Bringing the fleet up, changing its size, taking it down."""

from __future__ import annotations

import fcntl
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from app.cli import environment, procfile, supervision
from app.cli.console import say
from app.cli.embedded import runtime_dir, wait_for
from app.cli.progress import step
from app.errors import Conflict, Misconfigured
from config.settings import ROOT

#: Seconds from the start of the last process until the fleet must be ready.
READY_S = 120

#: States of a program that mean it is there, or back in a second.
UP = frozenset({"running", "starting"})


@contextmanager
def starting(home: Path) -> Iterator[None]:
    """Only one start or change of size at a time in one home.

    Raises:
        Conflict: another one is under way.
    """
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"another `echosphere up` or `scale` is under way in {home}: wait for it") from error
        yield


def start(home: Path, scale: Mapping[str, int]) -> subprocess.Popen[bytes]:
    """Start servers, migrate, start the processes of the Procfile; the caller waits for `wait_ready`.

    Raises:
        Misconfigured: something is missing or wrong; the message says what to do.
    """
    supervisor = supervision.Supervisor(home)
    if found := supervisor.end_left_behind():
        say(f"  Ended {len(found)} processes that an earlier start had left behind")
    keys()
    commands, asked, sockets = procfile.read_procfile(), environment.set_by_person(), runtime_dir(home)
    postgres = None if asked.database_url.get_secret_value() else environment.own_postgres(home, sockets)
    redis = None if asked.broker_url.get_secret_value() else environment.own_redis(home, sockets)
    with ExitStack() as ports:
        web, flower = (ports.enter_context(held) for held in environment.ports())
        environment.remember(home, environment.chosen(postgres, redis, web_port=web, flower_port=flower))
        if postgres is not None:
            with step("Preparing PostgreSQL"):
                postgres.prepare()
        if redis is not None:
            redis.prepare()
        servers = supervision.of_servers(postgres, redis)
        process = supervisor.start(servers)
        try:
            with step("Starting the servers"):
                if postgres is not None:
                    wait_for(postgres.ready, "PostgreSQL", 60)
                    postgres.create_database()
                if redis is not None:
                    wait_for(redis.ready, "Redis", 60)
            with step("Migrating the database"):
                release(home, commands)
        except BaseException:
            supervisor.stop()
            raise
    slots = procfile.slots(commands, scale)
    supervisor.apply([*servers, *(supervision.of_slot(slot) for slot in slots)])
    return process


def keys() -> None:
    """Make the wrapping key and the tokens' secret at the first start, and refuse to start where they cannot be used.

    Raises:
        Misconfigured: a key is missing although there is data under it, or others can read it.
    """
    from app.services import tokens  # noqa: PLC0415 - only a start needs the libraries of keys
    from app.vault.keyring import master_keyring  # noqa: PLC0415 - as above

    tokens.prepare()
    master_keyring()


def release(home: Path, commands: Mapping[str, str]) -> None:
    """Run the Procfile's `release` line.

    Raises:
        Misconfigured: it failed.
    """
    log = home / "logs" / "release.log"
    with log.open("wb") as sink:
        done = subprocess.run(  # noqa: S602 - the Procfile holds shell commands
            commands.get(procfile.RELEASE, "true"), shell=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=sink, stderr=sink, env=environment.for_processes(home),
        )  # fmt: skip
    if done.returncode:
        said = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise Misconfigured(f"the migrations failed with status {done.returncode} ({said}): {log} says more")


def probe(timeout: float = 1.5) -> tuple[bool, dict[str, Any]]:
    """Whether `/readyz` is green, and what it says."""
    request = urllib.request.Request(f"{environment.web_url()}/readyz")  # noqa: S310 - our own http address
    # A proxy of the environment must not be asked about this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return True, _object(answer.read())
    except urllib.error.HTTPError as error:
        return False, _object(error.read())
    except (OSError, ValueError):
        return False, {}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def usable(green: bool, said: Mapping[str, Any], states: Mapping[str, Mapping[str, Any]]) -> bool:  # noqa: FBT001
    """Whether the fleet takes work and will do it.

    That a worker is there the supervisor knows better than a probe: a busy one may answer late, one that was killed is
    back in a second, and a kind may have been scaled to nothing on purpose.

    Args:
        green: `/readyz` is.
        said: its body.
        states: the supervisor's programs; empty where the fleet is not ours.
    """
    if not states:
        return green
    parts = {name: part for name, part in said.get("parts", {}).items() if name != "workers"}
    core = all(part.get("state") == "up" for part in parts.values()) if parts else green
    return core and all(program["state"] in UP for program in states.values())


def wait_ready(home: Path, seconds: float = READY_S) -> None:
    """Wait until all programs run and `/readyz` is green.

    Raises:
        Misconfigured: not in time; the message names what is missing and where its log is.
    """
    supervisor, deadline = supervision.Supervisor(home), time.monotonic() + seconds
    while True:
        states = supervisor.states()
        green, said = probe()
        running = states and all(program["state"] == "running" for program in states.values())
        unstaffed = 0 in sizes(states, procfile.read_procfile()).values()
        if running and (green or (unstaffed and usable(green, said, states))):
            return
        if time.monotonic() > deadline:
            missing = sorted(name for name, program in states.items() if program["state"] != "running")
            what = ", ".join(missing) or f"/readyz ({json.dumps(said)[:200]})"
            raise Misconfigured(f"not ready after {seconds:.0f} s: {what}; the logs are in {supervisor.logs}")
        time.sleep(0.2)


def sizes(states: Mapping[str, object], commands: Mapping[str, str]) -> dict[str, int]:
    """How many processes of each kind run now."""
    return {
        kind: sum(name == kind or name.rpartition("-")[0] == kind for name in states)
        for kind in commands
        if kind != procfile.RELEASE
    }


def rescale(home: Path, wanted: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Change how many processes of some kinds run, leaving all others alone.

    Returns:
        Names of processes started and stopped.

    Raises:
        Conflict: nothing runs.
    """
    supervisor = supervision.Supervisor(home)
    states, commands = supervisor.states(), procfile.read_procfile()
    if not states:
        raise Conflict("the fleet is not up: `echosphere up --scale ...` starts it in that size")
    # The servers as they run, whatever this shell's environment says.
    postgres = environment.own_postgres(home, supervisor.sockets) if supervision.POSTGRES in states else None
    redis = environment.own_redis(home, supervisor.sockets) if supervision.REDIS in states else None
    slots = procfile.slots(commands, sizes(states, commands) | dict(wanted))
    return supervisor.apply([*supervision.of_servers(postgres, redis), *(supervision.of_slot(slot) for slot in slots)])


def elsewhere() -> bool:
    """Whether the person said where the web tier is, so that it need not be one that was started in this home."""
    return bool({"web_host", "web_port"} & environment.set_by_person().model_fields_set)


def need_up(home: Path) -> None:
    """Refuse in plain words where no fleet of this home is up: on its port another home's may answer by now.

    Raises:
        Misconfigured: nothing is up.
    """
    if supervision.Supervisor(home).pid() is None and not elsewhere():
        raise Misconfigured("EchoSphere is not up here: start it with `make run` or `echosphere up --detach`")
