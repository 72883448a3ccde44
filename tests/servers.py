"""What the fixtures of local servers share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from scripts.stores.mongodb import FerretDB
from scripts.stores.server import LocalServer, MissingToolchain

Server = TypeVar("Server", bound=LocalServer)


def missing(error: Exception) -> NoReturn:
    """A server that cannot be built here: on a laptop its tests are skipped, in CI nothing may be left out."""
    if os.environ.get("CI"):
        pytest.fail(str(error))
    pytest.skip(str(error))


def built(server: Server) -> Server:
    """The server, ready to be started."""
    try:
        server.build()
    except MissingToolchain as error:
        missing(error)
    return server


@pytest.fixture(scope="session")
def mongodb(place: Path) -> Iterator[FerretDB]:
    """The MongoDB protocol."""
    server = built(FerretDB(place / "mongodb"))
    with server.running():
        yield server
