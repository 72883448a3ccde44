"""Packages analysed again in bulk while the database goes away: what was begun is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import event, text

from app.cli import cli
from app.database import engine, transaction
from app.tasks import pipeline
from tests.integration.rows.conftest import Line

Send = Callable[..., dict[str, Any]]


@contextmanager
def unreachable() -> Iterator[None]:
    """Nobody answers where PostgreSQL was."""
    refused = engine().dialect.dbapi.OperationalError  # type: ignore[union-attr]  # psycopg's

    def refuse(*_: object) -> None:
        raise refused("connection refused")

    engine().dispose()
    event.listen(engine(), "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(engine(), "do_connect", refuse)


def close_connections() -> None:
    """What a restart of PostgreSQL does to connections that wait in this process's pool."""
    with transaction() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'echosphere' AND datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def asked_again(user: str, *more: str) -> tuple[int, str]:
    said = CliRunner().invoke(cli, ["reanalyze", "--user", user, *more])
    return said.exit_code, said.stdout


@pytest.fixture
def three(user: str, line: Line, send: Send, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages that were analysed, in the order in which they are analysed again."""
    packages = [str(send(f"My letter {number}. I like the sea.".encode())["packageID"]) for number in range(3)]
    line.drive()
    monkeypatch.setattr(pipeline, "pipeline", lambda: line)
    return sorted(packages, key=UUID)


def test_a_database_that_goes_away_in_the_middle_is_a_trouble_and_what_was_begun_is_printed(
    user: str, line: Line, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, gone = line.publish, unreachable()

    def and_then_nothing(*given: Any) -> bool:
        taken = publish(*given)
        gone.__enter__()
        return taken

    monkeypatch.setattr(line, "publish", and_then_nothing)
    try:
        status, printed = asked_again(user, "--json")
    finally:
        gone.__exit__(None, None, None)
    assert status == 1
    begun, *troubled = json.loads(printed)["data"]
    assert (begun["packageID"], begun["trouble"], begun["runStatus"]) == (three[0], None, "running")
    # Then packages cannot even be listed.
    assert [row["packageID"] for row in troubled] == [*three[1:], None]
    assert all("PostgreSQL does not answer" in row["trouble"] for row in troubled)
    assert [str(run_id) for run_id, _, _ in line.published] == [begun["runID"]]


def test_a_connection_that_was_closed_costs_one_package_its_run_and_no_other(
    user: str, line: Line, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = line.publish

    def and_then_closed(*given: Any) -> bool:
        taken = publish(*given)
        if len(line.published) == 1:
            with engine().connect():
                close_connections()
        return taken

    monkeypatch.setattr(line, "publish", and_then_closed)
    status, printed = asked_again(user)
    assert status == 1
    first, second, third = printed.splitlines()
    assert (first.split()[0], third.split()[0]) == (three[0], three[2])
    assert first.endswith("running")
    assert second == f"{three[1]}  {second.removeprefix(three[1]).strip()}"
    assert "closed the connection" in second
    assert third.endswith("running")
