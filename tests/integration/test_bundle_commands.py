"""`echosphere export` and `echosphere import` against a web tier."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.cli.client import Client
from app.cli.embedded import Postgres, Redis
from app.errors import EchoError, InvalidInput, StoreUnavailable
from config.settings import settings
from tests.integration.bundles import digest, fill, wipe
from tests.integration.persona import Person
from tests.integration.test_cli_client import serving

Run = Callable[..., Result]


@pytest.fixture
def port(postgres: Postgres, redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    from tests.integration.web.http_support import free_port

    chosen = free_port()
    monkeypatch.setenv("ECHO_WEB_PORT", str(chosen))
    settings.cache_clear()
    yield chosen
    settings.cache_clear()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("app.cli.commands.export_.need_up", lambda _home: None)

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return call


def printed(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_out_and_in_by_command(port: int, run: Run, person: Person, tmp_path: Path) -> None:
    fill(person)
    before, file = digest(person.user_id), tmp_path / "mine.zip"
    with serving(port):
        said = printed(run("export", "--user", person.user_id, "--sources", "-o", file, "--json"))
    assert said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (said["userID"], said["bytes"], said["sources"]) == (person.user_id, file.stat().st_size, True)
    assert (said["graphDigest"], said["counts"]["packages"]) == (before, 2)
    assert file.stat().st_mode & 0o077 == 0
    wipe(person.user_id)
    back = printed(run("import", file, "--json"))
    assert (back["status"], back["graphEqual"], back["graphDigest"]) == ("restored", True, before)
    assert back["signedBy"]["ours"] is True
    assert printed(run("import", file, "--user", person.user_id, "--json"))["status"] == "unchanged"
    plain = run("import", file)
    assert "everything was here already" in plain.stdout
    assert [found.name for found in tmp_path.iterdir()] == ["mine.zip"]


def test_a_key_that_did_not_sign_it_is_refused(port: int, run: Run, person: Person, tmp_path: Path) -> None:
    file, key = tmp_path / "mine.zip", tmp_path / "key.json"
    with serving(port):
        assert run("export", "--user", person.user_id, "-o", file).exit_code == 0
    key.write_text('{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')
    assert isinstance(run("import", file, "--trust", key).exception, InvalidInput)
    key.write_text("no key")
    assert run("import", file, "--trust", key).exit_code == 2


def test_a_download_that_breaks_off_leaves_the_old_file_and_nothing_else(
    port: int, run: Run, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.services.bundle import writing

    file = tmp_path / "mine.zip"
    file.write_bytes(b"the one of last year")

    def broken(*_: object) -> Iterator[str]:
        yield "x" * (1 << 20)
        raise InvalidInput("gone")

    monkeypatch.setattr(writing, "persona", broken)
    with serving(port):
        result = run("export", "--user", person.user_id, "-o", file)
    assert isinstance(result.exception, EchoError)
    assert file.read_bytes() == b"the one of last year"
    assert [found.name for found in tmp_path.iterdir()] == ["mine.zip"]


def test_nobody_there_is_said(port: int, person: Person) -> None:
    with (
        Client(person.user_id, patience_s=0) as client,
        pytest.raises(StoreUnavailable),
        client.download("/persona/export"),
    ):
        pass


def test_progress_is_shown_on_standard_error(port: int, run: Run, person: Person, tmp_path: Path) -> None:
    fill(person)
    with serving(port):
        result = run("export", "--user", person.user_id, "-o", tmp_path / "mine.zip")
    assert re.search(r"100 % +[0-9.]+ MB", result.stderr)
    assert "2 packages" in result.stdout
