"""Bolt by py2neo, which has been at end of life since 2023: for those who have it in use; `neo4j` is the default."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from py2neo import Graph

from app.pkg.bolt import CONNECT_S, RETRY_S, BoltAddress, unavailable
from app.pkg.cypher import Run

T = TypeVar("T")


class Py2neoDriver:
    """`CypherDriver` by py2neo; one pool of connections per process, made anew after it failed.

    Args:
        where: the server.
    """

    def __init__(self, where: BoltAddress) -> None:
        self._where = where

    def transact(self, work: Callable[[Run], T], *, write: bool) -> T:
        """See `CypherDriver.transact`."""
        end = time.monotonic() + RETRY_S
        while True:
            try:
                self._knock()
                return self._once(work, write=write)
            except Exception as error:
                if not _driver_error(error):
                    raise
                again = _again(error)
                if not again:
                    _graph.cache_clear()
                if not again or time.monotonic() > end:
                    code = getattr(error, "code", None)
                    raise unavailable(code if isinstance(code, str) else type(error).__name__) from None
                time.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - keeps two writers apart

    def _knock(self) -> None:
        """See that somebody listens: py2neo itself waits for a connection as long as the system does."""
        parts = urlsplit(self._where.uri)
        socket.create_connection((parts.hostname or "localhost", parts.port or 7687), CONNECT_S).close()

    def _once(self, work: Callable[[Run], T], *, write: bool) -> T:
        graph = _graph(os.getpid(), self._where)
        transaction = graph.begin(readonly=not write)

        def run(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
            return [dict(row) for row in transaction.run(statement, dict(parameters)).data()]

        try:
            done = work(run)
        except BaseException:
            _roll_back(graph, transaction)
            raise
        graph.commit(transaction)
        return done


def _roll_back(graph: Any, transaction: Any) -> None:  # noqa: ANN401 - py2neo has no types
    try:
        graph.rollback(transaction)
    except Exception as error:
        if not _driver_error(error):
            raise


def _driver_error(error: Exception) -> bool:
    """Whether it came from the wire or the server; py2neo's errors have no common base."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] == "py2neo"


def _again(error: Exception) -> bool:
    """Whether the server asks for the same once more: two transactions were in each other's way."""
    return getattr(error, "classification", None) == "TransientError"


@cache
def _graph(_pid: int, where: BoltAddress) -> Any:  # noqa: ANN401 - py2neo has no types
    login = (where.user, where.password) if where.user else None
    return Graph(where.uri, name=where.database, auth=login)
