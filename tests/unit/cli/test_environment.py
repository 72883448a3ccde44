"""What `echosphere up` chooses, remembers and passes on."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.cli import environment
from app.cli.processes import MARK
from app.errors import Misconfigured
from config.settings import settings


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("ECHO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ECHO_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        yield holder.getsockname()[1]


def port(taken: int, *, fixed: bool) -> environment.AbstractContextManager[int]:
    return environment.held_port("127.0.0.1", "web_port", fixed=fixed, preferred=taken, fallback=taken)


def test_a_taken_port_gives_way_to_a_free_one_that_is_held(taken: int) -> None:
    with port(taken, fixed=False) as first, port(taken, fixed=False) as second:
        assert len({taken, first, second}) == 3


def test_a_port_that_was_asked_for_is_that_one_or_an_error(taken: int) -> None:
    with pytest.raises(Misconfigured, match=f"port {taken} .* ECHO_WEB_PORT"), port(taken, fixed=True):
        pass


def test_a_port_is_free_again_when_its_process_is_about_to_start(taken: int) -> None:
    with port(taken, fixed=False) as chosen:
        pass
    with closing(socket.socket()) as process:
        process.bind(("127.0.0.1", chosen))


def test_what_is_remembered_is_read_by_every_process_and_by_its_owner_alone(tmp_path: Path) -> None:
    environment.remember(tmp_path, {"ECHO_WEB_PORT": "8123", "ECHO_DATABASE_URL": "postgresql:///x"})
    assert settings().web_port == 8123
    assert settings().database_url.get_secret_value() == "postgresql:///x"
    assert stat.S_IMODE((tmp_path / "run.env").stat().st_mode) == 0o600


def test_the_persons_own_settings_win_and_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.remember(tmp_path, {"ECHO_WEB_PORT": "8123", "ECHO_FLOWER_PORT": "5566"})
    own = tmp_path / "own.env"
    own.write_text("ECHO_FLOWER_PORT=5999\n")
    monkeypatch.setenv("ECHO_ENV_FILE", str(own))
    settings.cache_clear()
    assert (settings().web_port, settings().flower_port) == (8123, 5999)
    assert environment.set_by_person().model_fields_set & {"web_port", "flower_port"} == {"flower_port"}


def test_no_server_is_named_that_the_person_brings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_BROKER_URL", "redis://elsewhere")
    postgres = environment.own_postgres(tmp_path, tmp_path)
    chosen = environment.chosen(postgres, None, web_port=1, flower_port=2)
    assert set(chosen) == {"ECHO_WEB_PORT", "ECHO_FLOWER_PORT", "ECHO_DATABASE_URL"}


def test_every_process_carries_the_mark_of_its_home_and_finds_our_programs(tmp_path: Path) -> None:
    environment.remember(tmp_path, {"ECHO_WEB_PORT": "8123"})
    given = environment.for_processes(tmp_path)
    assert given[MARK] == str(tmp_path)
    assert given["ECHO_WEB_PORT"] == "8123"
    assert Path(given["PATH"].split(":")[0], "python").exists()


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],  # noqa: S104
)
def test_the_address_is_one_that_this_machine_can_open(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("ECHO_WEB_HOST", host)
    settings.cache_clear()
    assert environment.web_url() == url
