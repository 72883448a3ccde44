"""What every local server has in common: built once, started on a port of its own, stopped by its own pid."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from app.errors import EchoError, Misconfigured

#: The checkout.
ROOT = Path(__file__).resolve().parent.parent.parent
#: Recipes: what is fetched and compiled, pinned.
RECIPES = ROOT / "deploy" / "local"
#: Where servers are built, once per checkout; ECHO_STORES_CACHE names another place.
CACHE = Path(os.environ.get("ECHO_STORES_CACHE") or ROOT / ".local" / "stores" / "built")


class MissingToolchain(EchoError):
    """A program that the server is built or run with is not on this machine; the message says which and what to do."""

    code = "missing_toolchain"


def need(*programs: str, package: str) -> None:
    """Refuse where a program is not on PATH.

    Raises:
        MissingToolchain: with the Debian package that has it.
    """
    for program in programs:
        if shutil.which(program) is None:
            raise MissingToolchain(f"{program} is not installed: apt-get install {package}")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalServer:
    """One server: `build` it, then `running` it (tests), or `start` and `stop` it (`make stores`).

    Args:
        place: its data and log; made where there is none.
        port: on loopback; a free one unless given.
    """

    #: What it is called, in file names and messages.
    name: ClassVar[str]
    #: Files below `RECIPES` that it is built from; a change builds it anew.
    recipe: ClassVar[tuple[str, ...]] = ()
    #: Seconds that it may take to answer.
    patience_s: ClassVar[float] = 60.0

    def __init__(self, place: Path, port: int | None = None) -> None:
        self.place = place
        self.port = port or free_port()

    def lacking(self) -> None:
        """Check that what it needs is on this machine.

        Raises:
            MissingToolchain: it is not.
        """

    def compile(self, into: Path) -> None:
        """Fetch and compile into an empty folder."""

    def prepare(self) -> None:
        """What is done before each start: folders, configuration, users."""

    def command(self) -> list[str]:
        """The server in the foreground, ended by SIGTERM."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What the process gets besides our own environment."""
        return {}

    def ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    def furnish(self) -> None:
        """What is done once it answers: buckets, keys, users; harmless when repeated."""

    def settings(self) -> Mapping[str, str]:
        """The `ECHO_*` (and `AWS_*`) variables by which EchoSphere finds it."""
        raise NotImplementedError

    @property
    def built(self) -> Path:
        """Where this version of the recipe is, or will be, built."""
        digest = hashlib.sha256()
        for name in self.recipe:
            digest.update((RECIPES / name).read_bytes())
        return CACHE / f"{self.name}-{digest.hexdigest()[:12]}"

    def build(self) -> None:
        """Build it unless this version is built already; whole or not at all.

        Raises:
            MissingToolchain: what it is built with is not on this machine.
            Misconfigured: fetching or compiling failed.
        """
        self.lacking()
        if not self.recipe or self.built.exists():
            return
        draft = CACHE / f".{self.name}-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self.compile(draft)
        draft.replace(self.built)

    def start(self) -> int:
        """Start it in a session of its own and wait until it answers.

        Returns:
            Its pid.

        Raises:
            Misconfigured: it did not answer in time, or ended.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        self.prepare()
        with self.log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own command
                self.command(),
                stdout=sink,
                stderr=sink,
                cwd=self.place,
                env={**os.environ, **self.environment()},
                start_new_session=True,
            )
        end = time.monotonic() + self.patience_s
        while not self.ready():
            if process.poll() is not None or time.monotonic() > end:
                stop(process.pid)
                raise Misconfigured(f"{self.name} did not start: see {self.log}")
            time.sleep(0.1)
        self.furnish()
        return process.pid

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.place / f"{self.name}.log"

    @contextmanager
    def running(self) -> Iterator[int]:
        """Built, started, and stopped at the end; yields its pid."""
        self.build()
        pid = self.start()
        try:
            yield pid
        finally:
            stop(pid)


def run(command: Iterable[str | Path], *, cwd: Path, **environment: str) -> None:
    """Run a step of a build.

    Raises:
        Misconfigured: it failed; with the end of what it wrote.
    """
    listed = [str(part) for part in command]
    done = subprocess.run(  # noqa: S603 - our own command
        listed, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Misconfigured(f"{listed[0]} failed: {(done.stderr or done.stdout).strip()[-600:]}")


def stop(pid: int, patience_s: float = 20.0) -> None:
    """End a process that `start` started, and all of its session; kill what does not go in time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            try:
                reaped, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                reaped = 0
            if reaped or not _alive(pid):
                return
            time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
