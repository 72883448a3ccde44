"""The PostgreSQL engine: one per process, made at first use and never before a fork."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, create_engine, text
from sqlalchemy.exc import OperationalError

from app.errors import Misconfigured, StoreUnavailable
from config.settings import settings

#: A row of any shape; the statement that fetched it says which.
AnyRow = Row[*tuple[Any, ...]]

#: Legal in Python strings and in JSON text, refused by the stores: NUL and halves of surrogate pairs.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

#: Namespace of every UUIDv5 in EchoSphere, so that the same thing has the same id wherever it is computed.
NAMESPACE = UUID("6f2b7a53-6a1c-5c0e-9a53-2f7d1c1f4e11")


def stable_id(*parts: object) -> UUID:
    """The UUIDv5 of what an object stands for."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))


@cache
def _engine(_pid: int) -> Engine:
    url = settings().database_url.get_secret_value()
    if not url:
        raise Misconfigured("ECHO_DATABASE_URL is empty: start the embedded servers with `echosphere up`, or set it")
    return create_engine(
        url,
        pool_size=settings().database_pool_size,
        max_overflow=4,
        pool_pre_ping=False,
        pool_recycle=1800,
        pool_use_lifo=True,
        connect_args={"connect_timeout": 5, "application_name": "echosphere"},
    )


def engine() -> Engine:
    """This process's engine; a forked child gets its own."""
    return _engine(os.getpid())


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction: committed on leaving, rolled back on any error.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.
    """
    try:
        connection = engine().connect()
    except OperationalError as error:
        raise StoreUnavailable("PostgreSQL does not answer: is it running? `echosphere status` tells") from error
    with connection, connection.begin():
        yield connection


@contextmanager
def within(connection: Connection | None) -> Iterator[Connection]:
    """The caller's transaction, or one of its own where there is none."""
    if connection is not None:
        yield connection
        return
    with transaction() as own:
        yield own


def relaxed(connection: Connection) -> None:
    """Commit without waiting for the disk: for state that a crash may lose and the reconciler repairs."""
    connection.execute(text("SET LOCAL synchronous_commit TO OFF"))
