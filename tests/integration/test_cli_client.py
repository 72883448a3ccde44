"""The command line's client against the real web tier on real servers."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from app.cli.client import Client, Refused
from app.cli.embedded import Postgres, Redis
from app.errors import StoreUnavailable, TooLarge
from config.settings import settings

LOCAL = ["analyse:text:local"]


@contextmanager
def serving(port: int) -> Iterator[None]:
    from app.web import create_app

    server = make_server("127.0.0.1", port, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def port(postgres: Postgres, redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
    monkeypatch.setenv("ECHO_WEB_PORT", str(chosen))
    settings.cache_clear()
    yield chosen
    settings.cache_clear()


@pytest.fixture
def user() -> str:
    return f"client-{uuid.uuid4().hex[:8]}"


def test_a_file_goes_up_once_under_whatever_name_it_has(port: int, user: str, tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"br\xfccke \xe2\x80\x9e[x]\xe2\x80\x9c.txt")
    strange.write_text("I was there.")
    with serving(port), Client(user) as client:
        package = client.upload(strange, client.grant(LOCAL, "test"), "self")
        state = client.package(package)
    assert state["packageID"] == package
    assert state["file"] == "br\N{REPLACEMENT CHARACTER}cke „[x]“.txt"
    assert state["runStatus"] in {"queued", "running"}


def test_a_pipe_goes_up_too(port: int, user: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("I was there.",))
    writer.start()
    with serving(port), Client(user) as client:
        package = client.upload(pipe, client.grant(LOCAL, "test"), "self")
        (listed,) = client._send("GET", "/data/packages")["data"]
    writer.join()
    assert (listed["packageID"], listed["sizeBytes"]) == (package, 12)


def test_a_refusal_carries_status_code_and_message(port: int, user: str) -> None:
    with serving(port), Client(user) as client:
        with pytest.raises(Refused) as refused:
            client.package(str(uuid.uuid4()))
        assert (refused.value.status, refused.value.code) == (404, "not_found")
        with pytest.raises(Refused) as refused:
            client.page(sortBy="password")
    assert refused.value.status == 422
    assert refused.value.message


def test_an_upload_without_a_good_consent_is_refused(port: int, user: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("words")
    with serving(port), Client(user) as client, pytest.raises(Refused) as refused:
        client.upload(file, str(uuid.uuid4()), "self")
    assert refused.value.status == 403


def test_a_file_over_the_limit_is_not_even_sent(
    port: int, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "big"
    file.write_bytes(bytes(1001))
    monkeypatch.setenv("ECHO_MAX_UPLOAD_BYTES", "1000")
    settings.cache_clear()
    with Client(user) as client, pytest.raises(TooLarge, match="ECHO_MAX_UPLOAD_BYTES"):
        client.upload(file, str(uuid.uuid4()), "self")


def test_a_web_tier_that_comes_back_is_waited_for(port: int, user: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("words of mine")
    packages: list[str] = []

    def upload() -> None:
        with Client(user, patience_s=30) as client:
            packages.append(client.upload(file, client.grant(LOCAL, "test"), "self"))

    waiting = threading.Thread(target=upload)
    waiting.start()
    with serving(port):
        waiting.join(40)
        with Client(user) as client:
            assert [client.package(package)["packageID"] for package in packages] == packages
    assert len(packages) == 1


def test_patience_ends_with_the_command_that_starts_a_fleet(port: int, user: str) -> None:
    begun = time.monotonic()
    with Client(user, patience_s=0.3) as client, pytest.raises(StoreUnavailable, match="echosphere up --detach"):
        client.grant(LOCAL, "test")
    assert time.monotonic() - begun < 5


def test_a_person_without_candidates_has_an_empty_list(port: int, user: str) -> None:
    with serving(port), Client(user) as client:
        assert [*client.candidates()] == []
        assert client.page(limit=1)["pagination"]["total"] == 0


def test_a_proxy_of_the_environment_is_not_asked(port: int, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    with serving(port), Client(user, patience_s=1) as client:
        assert client.grant(LOCAL, "test")
