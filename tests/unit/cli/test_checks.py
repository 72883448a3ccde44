"""Start-up checks name what is wrong and the command that mends it."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from config import checks
from config.checks import Check, State
from config.settings import Settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("ECHO_")]:
        monkeypatch.delenv(name)
    return Settings(home=tmp_path, models_dir=tmp_path / "models")


def found(settings: Settings, *, running: bool = False) -> dict[str, Check]:
    return {check.name: check for check in checks.machine_checks(settings, settings, running=running)}


def test_every_check_that_is_not_ok_says_what_mends_it(here: Settings) -> None:
    for check in found(here).values():
        assert check.detail
        assert bool(check.remedy) is (check.state is not State.OK)
        assert set(check.as_json()) == {"name", "state", "detail", "remedy"}


def test_a_key_that_others_can_read_is_a_failure_with_the_command(here: Settings) -> None:
    here.master_key_file.touch(mode=0o600)
    assert found(here)["mode of master.key"].state is State.OK
    here.master_key_file.chmod(0o640)
    check = found(here)["mode of master.key"]
    assert check.state is State.FAILED
    assert check.remedy == f"chmod 600 {here.master_key_file}"


def test_a_taken_port_is_told_unless_the_fleet_itself_has_it(here: Settings) -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        settings = here.model_copy(update={"web_port": holder.getsockname()[1]})
        assert found(settings)["web_port"].state is State.WARNING
        assert "ECHO_WEB_PORT" in found(settings)["web_port"].remedy
        assert found(settings, running=True)["web_port"].state is State.OK


def test_missing_tesseract_is_a_warning_with_the_package(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    check = found(here)["tesseract"]
    assert (check.state, check.remedy) == (State.WARNING, "apt-get install tesseract-ocr tesseract-ocr-deu")


def test_missing_models_are_a_warning_and_there_ones_are_named(here: Settings) -> None:
    assert found(here)["models"].remedy == "make models"
    (here.models_dir / "emotion").mkdir(parents=True)
    (here.models_dir / "emotion" / "config.json").write_text("{}")
    assert found(here)["models"].detail == "emotion"


def test_an_old_flower_is_a_failure(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "version", lambda _name: "1.2.0")
    assert found(here)["flower"].state is State.FAILED


def test_servers_that_were_not_started_are_no_failure_and_unreachable_ones_are(here: Settings) -> None:
    assert {check.state for check in checks.server_checks(here)} == {State.WARNING}
    gone = Settings(
        home=here.home,
        database_url=f"postgresql+psycopg2://x@/x?host={here.home}",
        broker_url=f"redis+socket://{here.home}/r.sock",
    )
    assert {check.state for check in checks.server_checks(gone)} == {State.FAILED}
    assert str(here.home) not in " ".join(check.detail for check in checks.server_checks(gone))
