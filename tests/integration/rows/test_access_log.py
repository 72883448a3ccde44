"""The access log: what workers and operators read leaves an entry before it is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from app import vault
from app.cli import cli
from app.database import transaction
from app.services import access, analyse, consents, interpret, merge, packages
from app.vocabulary import AccessAction
from tests.integration.rows.conftest import Line

Send = Callable[..., dict[str, Any]]


def log(user_id: str) -> list[tuple[str, str, str, str | None]]:
    rows, _ = access.listed(user_id, limit=100)
    return [(row["actor"], row["action"], row["purpose"], row["packageID"]) for row in reversed(rows)]


def test_what_workers_open_is_entered_with_queue_lane_and_analyzers(send: Send, line: Line, user: str) -> None:
    sent = send()
    package = str(sent["packageID"])
    line.drive()
    opened, interpreted, merged = log(user)
    assert opened == ("worker:text", "analyse", "text: text.read", package)
    assert interpreted[:2] == ("worker:text", "analyse")
    assert {"text.facts", "text.style"} <= set(interpreted[2].removeprefix("text: ").split(", "))
    assert merged == ("worker:control", "merge", "merge", package)


def test_a_step_that_is_denied_reads_nothing_and_says_nothing(send: Send, line: Line, user: str, consent: UUID) -> None:
    send()
    consents.revoke(user, consent)
    line.drive()
    # What the revocation itself reads, to prove that it is erased, is all.
    assert [entry[1] for entry in log(user)] == ["erase"]


def test_the_entry_has_committed_before_the_package_is_opened(
    send: Send, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send()
    seen: list[int] = []
    opening = vault.open_package

    def watch(*said: Any) -> Any:
        seen.append(len(log(user)))
        return opening(*said)

    monkeypatch.setattr(analyse, "open_package", watch)
    analyse.run_lane(sent["runID"], "text")
    assert seen == [1]


def test_a_lane_that_dies_before_its_claim_commits_has_read_nothing(
    send: Send, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send()
    monkeypatch.setattr("app.services.claims.uuid4", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        analyse.run_lane(sent["runID"], "text")
    assert log(user) == []
    monkeypatch.undo()
    assert analyse.run_lane(sent["runID"], "text").ended == {"done": 1}


def test_a_merge_that_comes_twice_reads_twice_and_says_so(send: Send, line: Line, user: str) -> None:
    sent = send()
    run_id = sent["runID"]
    line.published.clear()
    analyse.run_lane(run_id, "text")
    interpret.interpret(run_id)
    analyse.run_lane(run_id, "text")
    merge.merge(run_id)
    merge.merge(run_id)
    assert [action for _, action, _, _ in log(user)] == ["analyse", "analyse", "merge"]


def test_the_operators_commands_are_entered_and_shown(send: Send, line: Line, user: str) -> None:
    sent = send()
    line.drive()
    before = len(log(user))
    package = str(sent["packageID"])
    assert "nurse" in CliRunner().invoke(cli, ["text", package], catch_exceptions=False).output
    CliRunner().invoke(cli, ["features", package, "--json"], catch_exceptions=False)
    assert log(user)[before:] == [
        ("operator", "read_text", "text", package),
        ("operator", "read_features", "features", package),
    ]
    CliRunner().invoke(cli, ["verify-evidence", "--user", user, "--json"], catch_exceptions=False)
    assert log(user)[before + 2 :] == [("operator", "read_evidence", "verify-evidence", None)]
    shown = CliRunner().invoke(cli, ["access", "--user", user, "--limit", "1", "--json"], catch_exceptions=False)
    page = json.loads(shown.stdout)
    assert page["data"][0]["purpose"] == "verify-evidence"
    assert page["pagination"] == {"offset": 0, "limit": 1, "total": before + 3}


def test_no_entry_holds_what_was_read(send: Send, line: Line, user: str) -> None:
    send(file_name="my-secret-diary.txt")
    line.drive()
    with transaction() as connection:
        rows = connection.execute(text("SELECT row_to_json(l)::text FROM access_log l WHERE user_id = :u"), {"u": user})
        everything = " ".join(rows.scalars())
    assert "text.read" in everything
    for word in ("nurse", "Anna", "diary"):
        assert word not in everything


def test_a_long_purpose_is_cut_and_not_refused(user: str) -> None:
    access.record(None, user, access.OPERATOR, AccessAction.ANALYSE, "lane: " + ", ".join(["text.analyzer"] * 40))
    assert log(user)[0][2].endswith("...")
    assert packages.listed(user) == ([], 0)
