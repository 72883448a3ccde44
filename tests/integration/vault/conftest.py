"""A home of its own, and a table of packages' keys that holds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select

from app.cli.embedded import Postgres
from tests.aws_servers import aws_server

__all__ = ["aws_server"]

CONTENT = b"what somebody said"


@pytest.fixture
def keys_home(postgres: Postgres, tmp_path: Path) -> Iterator[Path]:
    """`ECHO_HOME` of one test; the rows of other tests are back afterwards."""
    from app.database import transaction
    from app.models import PackageKey
    from app.vault import keyring, package
    from config.settings import settings

    def forget() -> None:
        settings.cache_clear()
        keyring._local.cache_clear()
        package._opened.cache_clear()

    with transaction() as connection:
        others = [dict(row) for row in connection.execute(select(PackageKey.__table__)).mappings()]
        connection.execute(delete(PackageKey))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHO_HOME", str(tmp_path / "home"))
        forget()
        yield tmp_path / "home"
    forget()
    with transaction() as connection:
        connection.execute(delete(PackageKey))
        if others:
            connection.execute(insert(PackageKey), others)


@pytest.fixture
def add(keys_home: Path) -> Callable[[int], list[UUID]]:
    """Make packages, each with one object."""
    from app.database import transaction
    from app.models import PackageKey
    from app.vault import new_package

    def make(count: int) -> list[UUID]:
        made = []
        for _ in range(count):
            vault = new_package("anna", uuid4())
            vault.put("original", CONTENT)
            row = {"package_id": vault.package_id, "user_id": "anna", "wrapped_key": vault.wrapped_key}
            with transaction() as connection:
                connection.execute(insert(PackageKey), row)
            made.append(vault.package_id)
        return made

    return make


@pytest.fixture
def readable(keys_home: Path) -> Callable[[], int]:
    """How many packages can be opened and read right now, from their rows; one that cannot is an error."""
    from app.database import transaction
    from app.models import PackageKey
    from app.vault import open_package, package

    def read() -> int:
        package._opened.cache_clear()
        with transaction() as connection:
            rows = connection.execute(select(PackageKey.package_id, PackageKey.user_id, PackageKey.wrapped_key)).all()
        for row in rows:
            vault = open_package(row.user_id, row.package_id, row.wrapped_key)
            assert vault.get(vault._key("original")) == CONTENT
        return len(rows)

    return read
