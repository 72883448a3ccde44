"""Bolt by the official driver: Neo4j, AuraDB, and Neptune."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, unquote

from neo4j import Driver, GraphDatabase, unit_of_work
from neo4j.exceptions import DriverError, Neo4jError

from app.errors import StoreUnavailable
from app.pkg.cypher import Run

T = TypeVar("T")

#: Seconds for a connection; and in all for a transaction that the server asks to do again, or that cannot be sent.
CONNECT_S, RETRY_S = 3.0, 6.0
#: Seconds after which the server gives a transaction up.
TRANSACTION_S = 30.0


@dataclass(frozen=True, slots=True)
class BoltAddress:
    """What a Bolt URL says.

    Attributes:
        uri: without user, password and database.
        user: empty where the server asks for none.
        password: never shown.
        database: None for the server's own choice.
    """

    uri: str
    user: str
    password: str
    database: str | None

    def __repr__(self) -> str:
        return f"BoltAddress({self.uri!r})"


def address(parts: SplitResult) -> BoltAddress:
    """Take a Bolt URL apart.

    Args:
        parts: of `bolt://user:password@host:port/database`, `neo4j://` or their `+s` and `+ssc` forms.
    """
    place = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return BoltAddress(
        f"{parts.scheme}://{place}{query}",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.path.strip("/") or None,
    )


class BoltDriver:
    """`CypherDriver` by the `neo4j` package; one pool of connections per process.

    Args:
        where: the server.
        region: of Neptune with IAM; None for user and password.
    """

    def __init__(self, where: BoltAddress, region: str | None = None) -> None:
        self._where = where
        self._region = region

    def transact(self, work: Callable[[Run], T], *, write: bool) -> T:
        """See `CypherDriver.transact`."""

        @unit_of_work(timeout=TRANSACTION_S)
        def inside(transaction: Any) -> T:  # noqa: ANN401 - the driver types it for each of its kinds
            def run(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
                return cast("list[dict[str, Any]]", transaction.run(statement, dict(parameters)).data())

            return work(run)

        try:
            with _driver(os.getpid(), self._where, self._region).session(database=self._where.database) as session:
                return session.execute_write(inside) if write else session.execute_read(inside)
        except (DriverError, Neo4jError, OSError) as error:
            # The server's own words may hold a value of somebody's, and its address a password: only the code goes on.
            raise unavailable(getattr(error, "code", None) or type(error).__name__) from None


def unavailable(code: str) -> StoreUnavailable:
    """The error for whatever went wrong, by its code alone."""
    return StoreUnavailable(
        f"The graph store does not answer or refuses ({code}): is the server of ECHO_GRAPH_URL up,"
        " and are user and password right?",
        error=code,
    )


@cache
def _driver(_pid: int, where: BoltAddress, region: str | None) -> Driver:
    # Notes of the planner, such as "no such label yet", are no news for whoever reads our log.
    logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)
    auth: Any = (where.user, where.password) if where.user else None
    if region is not None:
        from app.pkg.neptune import bolt_auth  # noqa: PLC0415 - botocore only where IAM is

        auth = bolt_auth(where.uri, region)
    return GraphDatabase.driver(
        where.uri,
        auth=auth,
        connection_timeout=CONNECT_S,
        connection_acquisition_timeout=2 * CONNECT_S,
        max_transaction_retry_time=RETRY_S,
        max_connection_pool_size=16,
        max_connection_lifetime=900,
        liveness_check_timeout=30,
        telemetry_disabled=True,
    )
