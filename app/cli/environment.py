"""What the processes of a fleet are told: the settings that the person made, and those that `echosphere up` chooses."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from app.cli.embedded import Postgres, Redis
from app.cli.processes import MARK
from app.errors import Misconfigured
from config.settings import ROOT, Settings, load, settings
from config.settings import home as home_folder

#: Ports tried upwards from the preferred one before any free one is taken.
NEIGHBOURS = 40

#: Settings in `run.env` that name the servers `echosphere up` starts.
_SERVERS = ("database_url", "broker_url", "result_url")


def home() -> Path:
    """This instance's home, made where there is none yet.

    Raises:
        Misconfigured: it cannot be made or written to.
    """
    place = home_folder()
    try:
        # PostgreSQL runs under another account where we are root, and has to reach its own folder in here.
        place.mkdir(mode=0o711 if os.getuid() == 0 else 0o700, parents=True, exist_ok=True)
        writable = os.access(place, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise Misconfigured(
            f"{place} cannot be written to: run `chown -R $(id -un) {ROOT}`, or set ECHO_HOME to a folder of yours"
        )
    return place


def run_env(place: Path) -> Path:
    """The file that tells other processes of this home what `echosphere up` chose."""
    return place / "run.env"


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner alone."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as sink:
        sink.write(text)
    draft.replace(path)


def set_by_person() -> Settings:
    """The settings without what `echosphere up` wrote; `model_fields_set` holds those that the person made."""
    return Settings(_env_file=os.environ.get("ECHO_ENV_FILE"))


def _listening(host: str, port: int) -> socket.socket | None:
    """A socket that holds the port, or None where somebody else does."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((host, port))
        probe.listen(1)
    except OSError:
        probe.close()
        return None
    return probe


@contextmanager
def held_port(host: str, field: str, *, fixed: bool, preferred: int, fallback: int) -> Iterator[int]:
    """A free port, held until the process that will use it is about to start.

    Args:
        host: address to listen on.
        field: settings field, named in the error.
        fixed: the person asked for exactly this port.
        preferred: tried first: the remembered or the asked one.
        fallback: the usual one, tried next, and its neighbours after it.

    Raises:
        Misconfigured: `fixed`, and somebody else listens there.
    """
    candidates = [preferred] if fixed else [preferred, *range(fallback, fallback + NEIGHBOURS), 0]
    holder = next((found for port in candidates if (found := _listening(host, port))), None)
    if holder is None:
        name = f"ECHO_{field.upper()}"
        raise Misconfigured(
            f"port {preferred} on {host} is taken by another program: stop it, or set {name} to another port, or unset "
            f"{name} and a free one is chosen"
        )
    try:
        yield holder.getsockname()[1]
    finally:
        holder.close()


def ports() -> Iterator[AbstractContextManager[int]]:
    """The ports of the web tier and of Flower, each held while its context is open."""
    asked, remembered = set_by_person(), load()
    for field, host in (("web_port", asked.web_host), ("flower_port", "127.0.0.1")):
        yield held_port(
            host,
            field,
            fixed=field in asked.model_fields_set,
            preferred=getattr(remembered, field),
            fallback=Settings.model_fields[field].default,
        )


def own_postgres(place: Path, sockets: Path) -> Postgres:
    """The PostgreSQL of this home."""
    return Postgres(place / "postgres", sockets / "pg")


def own_redis(place: Path, sockets: Path) -> Redis:
    """The Redis of this home."""
    return Redis(place / "redis", sockets / "redis.sock")


def adopt() -> None:
    """Take from `ECHO_ENV_FILE` what is no setting of ours but is read from the environment, for us and our processes.

    Those are the `AWS_*` that boto3 looks for, and variables such as `ECHO_TEXT_CONCURRENCY`. The environment wins.
    Settings stay in the file, which every process reads itself.

    Raises:
        Misconfigured: there is no such file, or it cannot be read.
    """
    named = os.environ.get("ECHO_ENV_FILE")
    if not named:
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - few give such a file

    # Processes of the fleet run in the checkout, wherever this command was given.
    path = Path(named).absolute()
    if not os.access(path, os.R_OK) or not path.is_file():
        raise Misconfigured(f"ECHO_ENV_FILE names {path}, which cannot be read: is it there, and yours?")
    os.environ["ECHO_ENV_FILE"] = str(path)
    fields = {f"ECHO_{field.upper()}" for field in Settings.model_fields}
    for name, value in dotenv_values(path, interpolate=False).items():
        if value is not None and name.startswith(("AWS_", "ECHO_")) and name not in fields:
            os.environ.setdefault(name, value)


def usable_addresses() -> None:
    """Refuse addresses of broker and results that cannot work, before anything is started.

    Raises:
        Misconfigured: with the setting and what is wrong with it.
    """
    from config.broker import WrongAddress, address, result_address  # noqa: PLC0415 - only a start needs kombu

    now = load()
    broker, results = now.broker_url.get_secret_value(), now.result_url.get_secret_value()
    name = "ECHO_BROKER_URL"
    try:
        address(broker)
        name = "ECHO_RESULT_URL"
        result_address(broker, results)
    except WrongAddress as error:
        raise Misconfigured(f"{name} cannot be used: {error}") from None


def chosen(postgres: Postgres | None, redis: Redis | None, *, web_port: int, flower_port: int) -> dict[str, str]:
    """What goes into `run.env`."""
    values = {"ECHO_WEB_PORT": str(web_port), "ECHO_FLOWER_PORT": str(flower_port)}
    if postgres is not None:
        values["ECHO_DATABASE_URL"] = postgres.url
    if redis is not None:
        values["ECHO_BROKER_URL"] = redis.url(0)
        if not set_by_person().result_url.get_secret_value():
            values["ECHO_RESULT_URL"] = redis.url(1)
    return values


def remember(place: Path, values: dict[str, str]) -> None:
    """Write `run.env` and let this process see it too.

    Raises:
        Misconfigured: with it, the addresses of broker and results cannot be used.
    """
    header = "# Written by `echosphere up`. Your own settings: the environment, or the file that ECHO_ENV_FILE names.\n"
    write_private(run_env(place), header + "".join(f"{name}={value}\n" for name, value in values.items()))
    settings.cache_clear()
    usable_addresses()


def for_processes(place: Path) -> dict[str, str]:
    """The whole environment of a fleet's processes."""
    now = load()
    made = {f"ECHO_{field.upper()}": getattr(now, field).get_secret_value() for field in _SERVERS}
    made |= {
        "ECHO_WEB_PORT": str(now.web_port),
        "ECHO_FLOWER_PORT": str(now.flower_port),
        "ECHO_WEB_HOST": now.web_host,
    }
    return {
        **os.environ,
        **{name: value for name, value in made.items() if value},
        "ECHO_HOME": str(place),
        MARK: str(place),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }


def web_url() -> str:
    """Where this machine reaches the web tier."""
    now = settings()
    host = "127.0.0.1" if now.web_host in {"0.0.0.0", "::", ""} else now.web_host  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{now.web_port}"


def flower_url() -> str:
    """Where this machine reaches Flower."""
    return f"http://127.0.0.1:{settings().flower_port}"
