"""A fleet with a stub for its vendor, and a stub that is watched: who was in flight, when, and who hung up."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from app.analysis import Context, Result
from app.analyzers.llm import analyse as real
from app.asking import Answer, Request
from app.layers import TextLayer
from tests.acceptance import network
from tests.acceptance.conftest import ROOT, Fleet, fleet_up, letter
from tests.stub_answers import document, task_of
from tests.stub_anthropic import Handler, Server, Stub

LOCAL = "analyse:text:local,analyse:audio:local,analyse:image:local"
VENDOR = "analyse:text:anthropic"
EVERYTHING = f"{LOCAL},{VENDOR}"
#: A person's document says with this which one it is; a word, so that no redaction takes it away.
_MARK = re.compile(r"\bThe word of the day is (q[a-z]+q)\b")


def mark(number: int) -> str:
    """The word of a document."""
    letters = "".join("abcdefghij"[int(digit)] for digit in str(number))
    return f"q{letters}q"


def marked(number: int, extra: str = "", words: int = 200) -> str:
    """A letter with its word."""
    return letter(number, words=words, extra=f"The word of the day is {mark(number)}. {extra}")


def letters(folder: Path, numbers: range, extra: str = "") -> list[str]:
    """Files of marked letters."""
    files = [folder / f"letter-{number}.txt" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        file.write_text(marked(number, extra))
    return [str(file) for file in files]


@dataclass(eq=False)
class Call:
    """One question at the stub.

    Attributes:
        mark: of the document.
        task: that the question is about.
        began: seconds since the epoch.
        ended: when it was answered, or found to be given up.
        gone: whether the asker hung up before its answer.
    """

    mark: str
    task: str
    connection: socket.socket
    began: float = field(default_factory=time.time)
    ended: float = 0.0
    gone: bool = False


@dataclass
class Watch:
    """What the stub's calls are and how they are answered.

    Attributes:
        stub: that is watched.
        mode_of: how a question is answered, by the document's word and the task; None for the stub's own mode.
        latency_s: before any answer.
        most: questions in flight at the same time, of askers that were still there.
    """

    stub: Stub
    mode_of: Callable[[str, str], str | None] = lambda _mark, _task: None
    latency_s: float = 0.0
    most: int = 0
    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def call(self, body: dict[str, Any], connection: socket.socket) -> Iterator[Call]:
        """Count a question while it is in flight."""
        found = _MARK.search(document(body))
        one = Call(found.group(1) if found else "", task_of(body), connection)
        with self.lock:
            self.calls.append(one)
            self.most = max(self.most, len([1 for other in self.calls if not other.ended and not _hung_up(other)]))
        try:
            yield one
        finally:
            with self.lock:
                one.ended = one.ended or time.time()

    def wait(self, call: Call) -> bool:
        """Let the answer take its time; whether somebody still waits for it."""
        readable, _, _ = select.select([call.connection], [], [], self.latency_s)
        call.gone = bool(readable) and _hung_up(call)
        return not call.gone

    def since(self, moment: float) -> list[Call]:
        """Questions asked after a moment."""
        with self.lock:
            return [call for call in self.calls if call.began >= moment]

    def flying(self) -> int:
        """Questions in flight."""
        with self.lock:
            return sum(not call.ended for call in self.calls)


def _hung_up(call: Call) -> bool:
    """Whether the asker has closed its end: a killed process's sockets close before its locks are free."""
    try:
        readable, _, _ = select.select([call.connection], [], [], 0)
        return bool(readable) and not call.connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True


class Watched(Handler):
    """The stub's handler, counted, with a vendor's bad habit: its errors repeat what was asked."""

    watch: Watch
    _asked = ""

    def _answer(self, mode: str, body: dict[str, Any]) -> None:
        self._asked = document(body)
        with self.watch.call(body, self.connection) as call:
            if self.watch.wait(call):
                super()._answer(self.watch.mode_of(call.mark, call.task) or mode, body)
            else:
                self.close_connection = True

    def _error(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        super()._error(status, kind, f"{message}: {self._asked[:1000]}", headers)


@contextmanager
def watched() -> Iterator[Watch]:
    """A watched stub on a free port, until the end of the block."""
    stub = Stub()
    watch = Watch(stub)
    server = Server(("127.0.0.1", 0), type("WatchedHandler", (Watched,), {"stub": stub, "watch": watch}))
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stub.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Lane:
    """A fleet and its vendor.

    Attributes:
        recorder: folder of the network recorder, which every process of the fleet writes to.
        trace: every connect(2) of the fleet, where strace may be used.
    """

    fleet: Fleet
    watch: Watch
    recorder: Path
    trace: Path | None

    @property
    def port(self) -> int:
        """Of the vendor."""
        return int(self.watch.stub.url.rpartition(":")[2])

    def calls(self, process: psutil.Process) -> int:
        """Connections to the vendor that a process has."""
        try:
            return sum(bool(one.raddr) and one.raddr.port == self.port for one in process.net_connections("tcp"))
        except psutil.NoSuchProcess:
            return 0

    def reset(self) -> None:
        """The vendor is well, quick and rested."""
        self.watch.stub.mode, self.watch.latency_s, self.watch.most = "honest", 0.0, 0
        self.watch.mode_of = lambda _mark, _task: None


@contextmanager
def lane_up(place: Path, broker: str = "redis", *arguments: str, **settings: str) -> Iterator[Lane]:
    """A fleet whose vendor is a watched stub and whose processes are all recorded."""
    recorder, trace = network.install(place / "recorder"), place / "connects"
    tracer = network.tracer(trace)
    with watched() as watch:
        chosen = {
            "PYTHONPATH": os.pathsep.join((str(recorder), str(ROOT))),
            # Nothing may go round by a proxy of whoever runs the tests.
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), ""),
            "ECHO_ANTHROPIC_API_KEY": "stub-key",
            "ECHO_ANTHROPIC_BASE_URL": watch.stub.url,
            "ECHO_LLM_CONCURRENCY": "6",
            "ECHO_LLM_DEADLINE_S": "10",
            "ECHO_STALE_AFTER_S": "2",
            "ECHO_TICK_S": "1",
            "ECHO_ANALYZER_IMPLEMENTATIONS": '{"llm.stance": "tests.acceptance.lane:dying"}',
            **settings,
        }
        with fleet_up(broker, *arguments, tracer=tracer, **chosen) as fleet:
            yield Lane(fleet, watch, recorder, trace if tracer else None)


def dying(layer: TextLayer, context: Context) -> Result:
    """`llm.stance`, but some documents kill the worker that has their answer in its hands."""
    ask = context.ask
    if ask is None or "PLEASE DIE" not in layer.text:
        return real.analyse(layer, context)

    def deadly(request: Request) -> Answer:
        ask(request)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    return real.analyse(layer, replace(context, ask=deadly))
