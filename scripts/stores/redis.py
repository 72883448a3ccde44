"""Redis on a port of loopback, with a password, on request with TLS and an ACL user: the result backend, or all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from scripts.stores.server import LocalServer, need

#: What EchoSphere's user may do: all with data, publish and subscribe, scripts; nothing that reconfigures or empties.
ACL = "~* &* +@all -@admin -@dangerous +info +keys +ping +client|setname"


class RedisServer(LocalServer):
    """One Redis 7.

    Args:
        place: its data and log.
        port: on loopback.
        password: a random one unless given or remembered.
        user: name of an ACL user; the default user is then off.
        tls: certificate authority, certificate and key: it then speaks TLS only.
        replica_of: port of its master.
    """

    name: ClassVar[str] = "redis"

    def __init__(
        self,
        place: Path,
        port: int | None = None,
        *,
        password: str | None = None,
        user: str = "",
        tls: tuple[Path, Path, Path] | None = None,
        replica_of: int | None = None,
    ) -> None:
        super().__init__(place, port)
        kept = place / "password"
        self.password = password or (kept.read_text() if kept.exists() else secrets.token_urlsafe(24))
        self.user, self.tls, self.replica_of = user, tls, replica_of

    def lacking(self) -> None:
        """The server."""
        need("redis-server", package="redis-server")

    def prepare(self) -> None:
        """Write its configuration: a password on the command line could be seen by all."""
        for file, text in (("password", self.password), ("redis.conf", "\n".join(self._configuration()) + "\n")):
            path = self.place / file
            path.touch(mode=0o600)
            path.chmod(0o600)
            path.write_text(text)

    def _configuration(self) -> list[str]:
        lines = [
            "bind 127.0.0.1",
            f"dir {self.place}",
            "appendonly yes",
            "maxmemory-policy noeviction",
            'save ""',
            "daemonize no",
        ]
        if self.user:
            lines += ["user default off", f"user {self.user} on >{self.password} {ACL}"]
        else:
            lines += [f"requirepass {self.password}", f"masterauth {self.password}"]
        if self.replica_of:
            lines += [f"replicaof 127.0.0.1 {self.replica_of}", "repl-diskless-sync-delay 0"]
        if self.tls is None:
            return [*lines, f"port {self.port}"]
        authority, certificate, key = self.tls
        return [
            *lines,
            "port 0",
            f"tls-port {self.port}",
            f"tls-ca-cert-file {authority}",
            f"tls-cert-file {certificate}",
            f"tls-key-file {key}",
            "tls-auth-clients no",
        ]

    def command(self) -> list[str]:
        """The server in the foreground."""
        return ["redis-server", str(self.place / "redis.conf")]

    def ready(self) -> bool:
        """Whether it answers its user."""
        from redis.exceptions import RedisError  # noqa: PLC0415 - once something was started

        from config.broker import redis_client  # noqa: PLC0415 - as above

        client = redis_client(self.url(), socket_timeout=1)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()

    def url(self, database: int = 0) -> str:
        """Of a database."""
        scheme, options = ("rediss", f"?ssl_ca_certs={self.tls[0]}") if self.tls else ("redis", "")
        return f"{scheme}://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}{options}"

    def settings(self) -> Mapping[str, str]:
        """Results; it is the broker too where there is no RabbitMQ."""
        return {"ECHO_BROKER_URL": self.url(0), "ECHO_RESULT_URL": self.url(1)}
