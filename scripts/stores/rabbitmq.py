"""RabbitMQ from Debian's package as a node of our own: loopback only, its state in one folder, its own name server."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from scripts.stores.server import LocalServer, MissingToolchain, free_port, need

#: Debian's program on PATH insists on its own account and folders; these are what it runs.
PROGRAMS = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/usr/local/sbin/rabbitmq-server"))

#: The name server in the foreground beside the broker, so that both end with the session. A broker that is told to end
#: needs some seconds; the name server follows it.
_TOGETHER = 'epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & exec "$0"'


class RabbitMQ(LocalServer):
    """One RabbitMQ node.

    Args:
        place: its data and log.
        port: of AMQP.
        password: of its one user; a random one unless given or remembered.
        tls: certificate authority, certificate and key: it then speaks `amqps` only.
    """

    name: ClassVar[str] = "rabbitmq"
    user: ClassVar[str] = "echosphere"

    def __init__(
        self,
        place: Path,
        port: int | None = None,
        *,
        password: str | None = None,
        tls: tuple[Path, Path, Path] | None = None,
    ) -> None:
        super().__init__(place, port)
        kept = place / "password"
        self.password = password or (kept.read_text() if kept.exists() else secrets.token_urlsafe(24))
        self.tls = tls
        self.epmd_port, self.node_port = free_port(), free_port()

    def lacking(self) -> None:
        """Erlang and the broker."""
        need("erl", "epmd", package="rabbitmq-server")
        if not self._program:
            raise MissingToolchain("rabbitmq-server is not installed: RUNLEVEL=1 apt-get install rabbitmq-server")

    @property
    def _program(self) -> str:
        found = next((str(path) for path in PROGRAMS if path.exists()), None)
        return found or shutil.which("rabbitmq-server") or ""

    def prepare(self) -> None:
        """Write its configuration; the user is made with the first start."""
        for folder in ("mnesia", "logs", "home"):
            (self.place / folder).mkdir(mode=0o700, exist_ok=True)
        _private(self.place / "password", self.password)
        _private(self.place / "rabbitmq.conf", "".join(f"{line}\n" for line in self._configuration()))
        (self.place / "env.conf").write_text("")
        (self.place / "plugins").write_text("[].\n")

    def _configuration(self) -> list[str]:
        where = f"127.0.0.1:{self.port}"
        lines = [
            f"default_user = {self.user}",
            f"default_pass = {self.password}",
            "default_vhost = echosphere",
            # Longer than twice the longest task: the message of a living one is never given to another worker.
            "consumer_timeout = 3600000",
            "disk_free_limit.absolute = 50MB",
            "log.console.level = warning",
        ]
        if self.tls is None:
            return [*lines, f"listeners.tcp.local = {where}"]
        authority, certificate, key = self.tls
        return [
            *lines,
            "listeners.tcp = none",
            f"listeners.ssl.local = {where}",
            f"ssl_options.cacertfile = {authority}",
            f"ssl_options.certfile = {certificate}",
            f"ssl_options.keyfile = {key}",
        ]

    def command(self) -> list[str]:
        """Broker and name server."""
        return ["/bin/sh", "-c", _TOGETHER, self._program]

    def environment(self) -> Mapping[str, str]:
        """Everything below its own folder, everything on loopback."""
        return {
            "HOME": str(self.place / "home"),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": f"echosphere-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_MNESIA_BASE": str(self.place / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.place / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.place / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.place / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.place / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.place / "plugins"),
            # `+sbwt none`: schedulers that spin while they wait would take both cores of a small machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
        }

    def ready(self) -> bool:
        """Whether it lets the user in."""
        from config.broker import connection  # noqa: PLC0415 - kombu, once something was started

        try:
            with connection(self.url) as found:
                found.connect()
        except Exception:  # noqa: BLE001 - refused, half up, or the user is not made yet
            return False
        return True

    @property
    def url(self) -> str:
        """Of the broker."""
        login = f"{self.user}:{quote(self.password, safe='')}"
        if self.tls is None:
            return f"amqp://{login}@127.0.0.1:{self.port}/echosphere"
        return f"amqps://{login}@127.0.0.1:{self.port}/echosphere?ssl_ca_certs={self.tls[0]}"

    def settings(self) -> Mapping[str, str]:
        """It is the broker; the results need a Redis."""
        return {"ECHO_BROKER_URL": self.url}


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
