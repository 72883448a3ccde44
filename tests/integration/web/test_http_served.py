"""The API as gunicorn serves it: real connections, broken ones, slow ones, large ones."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.integration.web.conftest import serve
from tests.integration.web.http_support import LETTER, Served, bearer, form, refused_body

CANARY = b"plaintext-canary-51d0c7e4 "
MEBIBYTE = 2**20


@pytest.fixture
def user() -> str:
    return f"web-{uuid4().hex[:10]}"


@pytest.fixture
def headers(user: str) -> dict[str, str]:
    return bearer(user)


@pytest.fixture
def consent(served: Served, user: str, headers: dict[str, str]) -> str:
    body = json.dumps({"scopes": ["analyse:text:local"], "purpose": "a test"})
    status, said, _ = served.call(
        "POST", f"/v1/users/{user}/consents", body, {**headers, "Content-Type": "application/json"}
    )
    assert status == 201
    return str(said["consentTokenID"])


def files_below(*folders: Path) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())


def workers(served: Served) -> list[psutil.Process]:
    return psutil.Process(served.process.pid).children()


def open_files(process: psutil.Process) -> Iterator[Path]:
    """What a process holds open, files that were deleted already included."""
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            if link.resolve().is_file() or "(deleted)" in str(link.readlink()):
                yield link
        except OSError:
            continue


def holds_canary(path: Path) -> bool:
    try:
        return CANARY in path.read_bytes()
    except OSError:
        return False


@pytest.fixture
def lone(place: Path, consent: str) -> Iterator[Served]:
    """A gunicorn with one worker."""
    with serve(place / "lone", ECHO_WEB_WORKERS="1") as running:
        yield running


def test_a_large_upload_streams_through_and_no_plaintext_is_ever_on_disk(
    lone: Served, home: Path, user: str, headers: dict[str, str], consent: str
) -> None:
    """Through one worker, which has taken a small upload in before, so that what it holds more is the upload's."""
    small, kind = form({"file": ("a.txt", b"first"), "sourceDescription": "x", "consentTokenID": consent})
    assert lone.call("POST", f"/v1/users/{user}/data/upload", small, {**headers, "Content-Type": kind})[0] == 202
    before = {process.pid: process.memory_info().rss for process in workers(lone)}
    piece = CANARY * (MEBIBYTE // len(CANARY))
    body, kind = form({"consentTokenID": consent, "sourceDescription": "x", "file": ("a.txt", b"HERE")})
    start, end = body.split(b"HERE")
    found: list[Path] = []

    def pieces() -> Iterator[bytes]:
        yield start
        for number in range(48):
            yield piece
            if number % 12 == 11:
                here = [*files_below(lone.scratch, home), *(f for p in workers(lone) for f in open_files(p))]
                found.extend(path for path in here if holds_canary(path))
        yield end

    length = len(start) + 48 * len(piece) + len(end)
    sent = {**headers, "Content-Type": kind, "Content-Length": str(length)}
    status, said, _ = lone.call("POST", f"/v1/users/{user}/data/upload", pieces(), sent)
    assert status == 202, said
    assert not found
    assert not [path for path in files_below(lone.scratch, home) if holds_canary(path)]
    assert any(path.stat().st_size > 48 * len(piece) for path in files_below(home / "objects"))
    grown = {process.pid: process.memory_info().rss - before[process.pid] for process in workers(lone)}
    assert max(grown.values()) < 24 * MEBIBYTE, grown
    assert CANARY not in lone.log.read_bytes()


def test_a_chunked_upload_without_a_length_is_accepted(
    served: Served, user: str, headers: dict[str, str], consent: str
) -> None:
    body, kind = form({"file": ("a.txt", b"words " * 50_000), "sourceDescription": "x", "consentTokenID": consent})
    pieces = (body[at : at + 7001] for at in range(0, len(body), 7001))
    sent = {**headers, "Content-Type": kind, "Transfer-Encoding": "chunked"}
    assert served.call("POST", f"/v1/users/{user}/data/upload", pieces, sent)[0] == 202


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_an_upload_is_told_so_while_it_sends(
    served: Served, user: str, headers: dict[str, str], consent: str, chunked: bool
) -> None:
    before = set(files_below(served.home / "objects"))
    body, kind = form({"consentTokenID": consent, "file": ("a.txt", b"x" * 70 * MEBIBYTE)})
    sent = {**headers, "Content-Type": kind}
    status, said, _ = served.call(
        "POST",
        f"/v1/users/{user}/data/upload",
        (body[at : at + MEBIBYTE] for at in range(0, len(body), MEBIBYTE)) if chunked else body,
        {**sent, "Transfer-Encoding": "chunked"} if chunked else sent,
    )
    refused_body(status, said, 413, "too_large")
    assert set(files_below(served.home / "objects")) == before


@pytest.mark.parametrize("scope", ["none", "foreign"])
def test_who_may_not_upload_is_refused_before_the_body_is_read(
    served: Served, user: str, headers: dict[str, str], scope: str
) -> None:
    body, kind = form({"file": ("a.txt", b"x" * 8 * MEBIBYTE)})
    path = f"/v1/users/{user}x/data/upload" if scope == "foreign" else f"/v1/users/{user}/data/upload"
    sent = {"Content-Type": kind, **(headers if scope == "foreign" else {})}
    status, said, _ = served.call("POST", path, body, sent)
    refused_body(status, said, 404 if scope == "foreign" else 401)


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(
    served: Served, home: Path, user: str, headers: dict[str, str], consent: str
) -> None:
    before = set(files_below(home / "objects"))
    body, kind = form({"consentTokenID": consent, "sourceDescription": "x", "file": ("a.txt", CANARY * 100_000)})
    with closing(served.connect()) as connection:
        connection.putrequest("POST", f"/v1/users/{user}/data/upload")
        for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[: len(body) // 2])
    until(lambda: set(files_below(home / "objects")) == before)
    status, said, _ = served.call("GET", f"/v1/users/{user}/data/packages", headers=headers)
    assert (status, said["pagination"]["total"]) == (200, 0)


def until(true: object, seconds: float = 10) -> None:
    """Wait until something that another process does has happened."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def test_twenty_uploads_at_once_are_twenty_packages(
    served: Served, user: str, headers: dict[str, str], consent: str
) -> None:
    statuses: list[int] = []

    def send(number: int) -> None:
        body, kind = form(
            {"file": ("a.txt", f"{LETTER} {number}".encode()), "sourceDescription": "x", "consentTokenID": consent}
        )
        sent = {**headers, "Content-Type": kind, "Idempotency-Key": f"key-{number % 20}"}
        statuses.append(served.call("POST", f"/v1/users/{user}/data/upload", body, sent)[0])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 20, served.log.read_text()[-6000:]
    assert served.call("GET", f"/v1/users/{user}/data/packages", headers=headers)[1]["pagination"]["total"] == 20


def test_one_submission_sent_eight_times_at_once_is_one_package(
    served: Served, home: Path, user: str, headers: dict[str, str], consent: str
) -> None:
    before = len(set(files_below(home / "objects")))
    body, kind = form({"file": ("a.txt", LETTER.encode()), "sourceDescription": "x", "consentTokenID": consent})
    sent = {**headers, "Content-Type": kind, "Idempotency-Key": "one"}
    answers: list[tuple[int, str]] = []

    def send() -> None:
        status, said, _ = served.call("POST", f"/v1/users/{user}/data/upload", body, sent)
        answers.append((status, said.get("packageID", "")))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {202}
    assert len({package for _, package in answers}) == 1
    assert len(set(files_below(home / "objects"))) == before + 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
    ],
)
def test_hostile_heads_are_refused_and_the_server_lives(served: Served, head: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", served.port), 10)) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    assert b" 4" in answer.split(b"\r\n", 1)[0]
    assert served.call("GET", "/healthz")[0] == 200


def test_deep_json_is_refused_over_the_wire_too(served: Served, user: str, headers: dict[str, str]) -> None:
    sent = {**headers, "Content-Type": "application/json"}
    status, said, _ = served.call("POST", f"/v1/users/{user}/consents", b"[" * 100_000, sent)
    refused_body(status, said, 400, "bad_request")


class TestEvents:
    """The stream of changes."""

    def test_progress_and_decisions_arrive_and_the_stream_can_be_taken_up_again(
        self, served: Served, user: str, headers: dict[str, str], consent: str
    ) -> None:
        with closing(served.connect()) as connection:
            stream = self.open(connection, user, headers)
            body, kind = form({"file": ("a.txt", b""), "sourceDescription": "x", "consentTokenID": consent})
            status, sent, _ = served.call(
                "POST", f"/v1/users/{user}/data/upload", body, {**headers, "Content-Type": kind}
            )
            assert status == 202
            own = json.dumps({"traitName": "Plays the cello", "traitCategory": "Skill"})
            served.call(
                "POST",
                f"/v1/users/{user}/persona/traits/custom",
                own,
                {**headers, "Content-Type": "application/json"},
            )
            mark = ""
            for line in stream:
                if line.startswith("id: "):
                    mark = mark or line[4:]
                if line.startswith("data: ") and "packageID" in line:
                    said = json.loads(line[6:])
                    break
        assert (said["packageID"], said["runStatus"], said["progress"]) == (sent["packageID"], "rejected", 1.0)
        assert said["reason"]["code"] == "empty"
        with closing(served.connect()) as connection:
            again = self.open(connection, user, {**headers, "Last-Event-ID": mark})
            seen = next(line for line in again if line.startswith("data: ") and "packageID" in line)
        assert sent["packageID"] in seen

    def test_listeners_have_a_limit_and_make_room_when_they_leave(
        self, served: Served, user: str, headers: dict[str, str]
    ) -> None:
        held: list[http.client.HTTPConnection] = []
        statuses = []
        for _ in range(8):
            connection = served.connect()
            connection.request("GET", f"/v1/users/{user}/events", headers=headers)
            statuses.append(connection.getresponse().status)
            held.append(connection)
        assert served.call("GET", "/healthz")[0] == 200
        for connection in held:
            connection.close()
        assert set(statuses) == {200, 429}

        def free() -> bool:
            return served.call("GET", "/healthz")[0] == 200 and self.status(served, user, headers) == 200

        until(free)

    @staticmethod
    def status(served: Served, user: str, headers: dict[str, str]) -> int:
        with closing(served.connect()) as connection:
            connection.request("GET", f"/v1/users/{user}/events", headers=headers)
            return connection.getresponse().status

    @staticmethod
    def open(connection: http.client.HTTPConnection, user: str, headers: dict[str, str]) -> Iterator[str]:
        connection.request("GET", f"/v1/users/{user}/events", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers.get_content_type() == "text/event-stream"
        return iter(lambda: answer.readline().decode().rstrip("\n"), None)


def test_a_worker_that_is_killed_is_replaced_and_requests_go_on(served: Served) -> None:
    victim = workers(served)[0]
    victim.kill()
    until(lambda: victim.pid not in {p.pid for p in workers(served)} and len(workers(served)) == 2)
    assert served.call("GET", "/healthz")[0] == 200


def test_sigterm_lets_a_running_upload_finish(app: object, place: Path, user: str, headers: dict[str, str]) -> None:
    with serve(place / "leaving") as leaving:
        sent = {**headers, "Content-Type": "application/json"}
        grant = json.dumps({"scopes": ["analyse:text:local"], "purpose": "a test"})
        consent = leaving.call("POST", f"/v1/users/{user}/consents", grant, sent)[1]["consentTokenID"]
        body, kind = form({"file": ("a.txt", LETTER.encode()), "sourceDescription": "x", "consentTokenID": consent})
        with closing(leaving.connect()) as connection:
            connection.putrequest("POST", f"/v1/users/{user}/data/upload")
            for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body[:50])
            until(lambda: any((leaving.home / "objects" / ".drafts").iterdir()))
            os.kill(leaving.process.pid, signal.SIGTERM)
            connection.send(body[50:])
            assert connection.getresponse().status == 202
        leaving.process.wait(20)
        assert leaving.process.returncode == 0


def test_a_short_secret_or_no_database_stops_or_says_so(app: object, place: Path) -> None:
    environment = {**os.environ, "ECHO_JWT_SECRET": "short"}
    code = "from app.web import create_app; create_app()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ECHO_JWT_SECRET" in done.stderr
