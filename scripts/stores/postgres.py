"""PostgreSQL from the Python wheel, on a Unix socket of its own: as `echosphere up` has it, and without a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from app.cli.embedded import Postgres, runtime_dir
from scripts.stores.server import LocalServer

#: SIGTERM lets clients finish first, for ever if they like; SIGINT is the fast shutdown.
_FAST = '"$@" & server=$!; trap "kill -INT $server" TERM; wait $server; wait $server'


class PostgresServer(LocalServer):
    """One cluster with the application's database.

    Args:
        place: its data and log.
        port: unused, for it has a socket.
    """

    name: ClassVar[str] = "postgres"

    def __init__(self, place: Path, port: int | None = None) -> None:
        super().__init__(place, port)
        # A socket's path has to be short, and PostgreSQL's account has to reach it.
        self._own = Postgres(place / "data", runtime_dir(place) / "pg")

    def prepare(self) -> None:
        """Make the cluster."""
        self.place.chmod(0o711)
        self._own.prepare()

    def command(self) -> list[str]:
        """The server; a shell around it turns the request to end into the right one."""
        return ["/bin/sh", "-c", _FAST, "postgres", *self._own.command()]

    def ready(self) -> bool:
        """Whether it accepts connections."""
        return self._own.ready()

    def furnish(self) -> None:
        """Make the database; `echosphere up` brings its schema up to date."""
        self._own.create_database()

    def settings(self) -> Mapping[str, str]:
        """Its address."""
        return {"ECHO_DATABASE_URL": self._own.url}
