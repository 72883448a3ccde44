"""The sandbox: parsers and native analyzers run in a child process, kept warm, bounded, and killed at its deadline.

The child is started with `subprocess` (Celery's pool processes are daemonic and may not use `multiprocessing`). It is
reused for many calls, since starting one for each file would cost more than the work, and replaced after `MAX_CALLS` or
when it has grown. Whatever a file does to it, the caller gets a `Result` or a `Refusal`, and the next call a living
child.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any

from app.analysis import Blob, Context, Result
from app.errors import Misconfigured, Reason, Refusal
from app.perception.sandbox_child import BODY, HEAD, MAX_ANSWER
from app.vocabulary import ReasonCode

#: Bytes of data (heap and private maps) of the child: three hours of samples at 16 kHz, twice, with room.
MEMORY_BYTES = 3 * 2**30
#: Calls after which a child is replaced, so that whatever a file left behind in it does not live long.
MAX_CALLS = 500
#: Resident bytes after a call above which the child is ended: with everything loaded and nothing to do it stays below.
MAX_RESIDENT = 450 * 2**20
#: Seconds for a child to come up, and for one to load modules.
START_S = 60.0

_IMPLEMENTATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
#: What of the environment the child may see: no secret, no address of a server.
_ENVIRONMENT = ("PATH", "HOME", "ECHO_FLEET", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "NUMBA_CACHE_DIR")
#: One core for one slot: the fleet counts slots, and a library that takes all cores slows its neighbours.
_ONE_THREAD = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class _Died(Exception):
    """The child is gone or sent nonsense."""


class _Child:
    """One child process and the socket to it."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment |= dict.fromkeys(_ONE_THREAD, "1")
        environment |= {
            "LANG": "C.UTF-8",
            "TMPDIR": "/dev/shm",  # noqa: S108 - memory; in the sandbox a mount of its own
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own module with numbers as arguments
                [sys.executable, "-P", "-m", "app.perception.sandbox_child", str(os.getpid()), str(memory_bytes)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        self.channel = ours
        self.calls = 0
        self.resident = 0

    def ask(self, header: dict[str, Any], payload: bytes, deadline_s: float) -> dict[str, Any]:
        """Send a call and wait for its answer.

        Raises:
            TimeoutError: no answer within the deadline.
            _Died: the child is gone.
        """
        ends = time.monotonic() + deadline_s
        head = json.dumps(header).encode()
        try:
            self.channel.settimeout(deadline_s)
            self.channel.sendall(HEAD.pack(len(head), len(payload)) + head)
            self.channel.settimeout(max(ends - time.monotonic(), 0.001))
            self.channel.sendall(payload)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Died from error
        self.calls += 1
        answer = self.hear(ends)
        self.resident = int(answer.get("resident", 0))
        return answer

    def hear(self, ends: float) -> dict[str, Any]:
        """Read one answer, until `ends` on the monotonic clock."""
        (size,) = BODY.unpack(self._receive(BODY.size, ends))
        if size > 2 * MAX_ANSWER:
            raise _Died
        try:
            answer = json.loads(self._receive(size, ends))
        except ValueError as error:
            raise _Died from error
        if not isinstance(answer, dict):
            raise _Died
        return answer

    def _receive(self, size: int, ends: float) -> bytes:
        data = bytearray(size)
        view, got = memoryview(data), 0
        while got < size:
            self.channel.settimeout(max(ends - time.monotonic(), 0.001))
            try:
                count = self.channel.recv_into(view[got:])
            except ConnectionResetError as error:
                raise _Died from error
            if not count:
                raise _Died
            got += count
        return bytes(data)

    def kill(self) -> int:
        """End the child and all that it started; its exit status."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # Where it had no mount of its own, a page it was reading would lie in memory until the machine restarts.
        shutil.rmtree(f"/dev/shm/echosphere-page-{self.process.pid}", ignore_errors=True)  # noqa: S108 - the child's own
        self.channel.close()
        return self.process.wait()

    def status(self) -> int:
        """Exit status of a child that has gone, or is killed now."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)  # its socket closes a moment before it can be reaped
        return self.kill()  # also what it started; a status that is known stays as it is


class Sandbox:
    """A warm child process for parsers and native analyzers. Thread safe: calls wait for each other.

    Args:
        warm: what every new child does before its first call: a module to import, or "module:function" to call as well.
        memory_bytes: data limit of the child.
        max_calls: calls after which the child is replaced.
    """

    def __init__(
        self, warm: Iterable[str] = (), *, memory_bytes: int = MEMORY_BYTES, max_calls: int = MAX_CALLS
    ) -> None:
        self._warm = [*warm]
        self._memory_bytes = memory_bytes
        self._max_calls = max_calls
        self._lock = Lock()
        self._child: _Child | None = None
        self._facts: dict[str, Any] = {}
        # A child dies with the thread that started it (PR_SET_PDEATHSIG), so one thread starts them all and stays.
        self._starter = ThreadPoolExecutor(1, "sandbox")

    @property
    def pid(self) -> int | None:
        """Process id of the living child; None where there is none yet."""
        return self._child.process.pid if self._child else None

    def call(self, implementation: str, artifact: Blob, context: Context, *, deadline_s: float) -> Result:
        """Run a perceiving analyzer on an upload.

        Args:
            implementation: "package.module:function", from a catalog row and never from a request.
            artifact: the decrypted upload.
            context: passed on; its options must be JSON.
            deadline_s: seconds after which the child and all it started are killed.

        Returns:
            What the analyzer returned.

        Raises:
            Refusal: the analyzer's own; timed_out at the deadline; corrupt or limit_exceeded where the file ended the
                child; internal where the analyzer itself failed, with the class name of its error and nothing else.
            Misconfigured: the implementation is not named properly.
        """
        if not _IMPLEMENTATION.fullmatch(implementation):
            raise Misconfigured('an analyzer\'s implementation is named "package.module:function"')
        header = {
            "implementation": implementation,
            "media_type": artifact.media_type,
            "authorship": str(context.authorship),
            "options": context.options,
            "warm": [],
            "deadline_s": deadline_s,
        }
        with self._lock:
            answer = self._ask(self._living(), header, artifact.data, deadline_s)
            if self._child and self._child.resident >= MAX_RESIDENT:
                # At once and not at the next call: what a large file took may not be held while nothing happens.
                self._end()
        if refusal := answer.get("refusal"):
            reason = Reason.from_json(refusal)
            raise Refusal(reason.code, reason.message, **reason.details)
        if error := answer.get("error"):
            raise Refusal(
                ReasonCode.INTERNAL, f"The analyzer failed with {error}; the file may be unusual.", error=error
            )
        return Result.from_json(answer["result"])

    def warm(self, names: Iterable[str] = ()) -> dict[str, Any]:
        """Start the child now, and let it and every later one load these first; as `warm` of the constructor.

        Returns:
            What the child says about itself: {"network": whether it can still reach one}.

        Raises:
            Misconfigured: something named is not there; calls go on without it.
        """
        with self._lock:
            new = [name for name in names if name not in self._warm]
            self._load(self._living(), new)
            self._warm += new
            return self._facts

    def close(self) -> None:
        """End the child. A later call starts a new one."""
        with self._lock:
            self._end()

    def _living(self) -> _Child:
        """The child, replaced where it is worn out or has gone while nobody asked it anything."""
        child = self._child
        if child and child.calls < self._max_calls and child.process.poll() is None:
            return child
        self._end()
        self._child = child = self._starter.submit(_Child, self._memory_bytes).result()
        try:
            self._facts = child.hear(time.monotonic() + START_S)
        except (TimeoutError, _Died) as error:
            self._end()
            raise Refusal(
                ReasonCode.INTERNAL, "The sandboxed process did not start; see `echosphere doctor`."
            ) from error
        self._load(child, self._warm)
        return child

    def _load(self, child: _Child, names: list[str]) -> None:
        if not names:
            return
        header = {"warm": names, "deadline_s": START_S}
        answer = self._ask(child, header, b"", START_S)
        if error := answer.get("error"):
            raise Misconfigured(f"the sandboxed process cannot import what it should: {error}")

    def _ask(self, child: _Child, header: dict[str, Any], payload: bytes, deadline_s: float) -> dict[str, Any]:
        try:
            return child.ask(header, payload, deadline_s)
        except TimeoutError as error:
            self._end()
            raise _timed_out(deadline_s) from error
        except _Died as error:
            self._child = None
            raise _gave_up(child.status(), deadline_s) from error
        except BaseException:
            # A soft time limit or an interrupt: the answer on its way belongs to nobody.
            self._end()
            raise

    def _end(self) -> None:
        if self._child:
            self._child.kill()
            self._child = None


def _timed_out(deadline_s: float) -> Refusal:
    return Refusal(
        ReasonCode.TIMED_OUT,
        f"Reading the file took longer than {deadline_s:g} s and was stopped: try a smaller part of it.",
        deadline_s=deadline_s,
    )


def _gave_up(status: int, deadline_s: float) -> Refusal:
    if status == -signal.SIGXCPU:
        return _timed_out(deadline_s)
    if status in (-signal.SIGKILL, -signal.SIGXFSZ):
        return Refusal(
            ReasonCode.LIMIT_EXCEEDED, "The parser needed more memory than it may have and gave up on this file."
        )
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return Refusal(ReasonCode.CORRUPT, f"The parser gave up on this file ({how}): it is probably damaged.", ended=how)


_OWN: dict[int, Sandbox] = {}
_OWN_LOCK = Lock()


def sandbox() -> Sandbox:
    """This process's sandbox, made on first use and closed at exit. A forked process gets its own."""
    with _OWN_LOCK:
        pid = os.getpid()
        if pid not in _OWN:
            _OWN.clear()
            _OWN[pid] = Sandbox()
            atexit.register(_OWN[pid].close)
        return _OWN[pid]
