"""The sandboxed child process: reads a call, runs one analyzer on foreign bytes, answers with JSON.

Started by `app.perception.sandbox` as `python -m app.perception.sandbox_child PARENT_PID MEMORY_BYTES` with a socket as
its standard input. It takes away from itself what a parser never needs: network, privileges, processes, files, memory.
Then it serves one call after another until the socket closes or it is killed.

A call is the lengths of its two parts (`HEAD`), a JSON header and the raw bytes of the artifact; an answer is its
length (`BODY`) and JSON. What an unexpected error says stays here, since parsers quote their input: only its class name
leaves.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import signal
import socket
import struct
import sys
from importlib import import_module
from typing import Any

from app.analysis import Blob, Context
from app.errors import Reason, Refusal
from app.vocabulary import Authorship, ReasonCode

#: Lengths of header and payload of a call.
HEAD = struct.Struct(">IQ")
#: Length of an answer.
BODY = struct.Struct(">Q")
#: Bytes of one answer: a text layer of 5 million characters with its map has room in it.
MAX_ANSWER = 64 * 2**20
#: Bytes of one file: a page for Tesseract, the unpacked language model, a compiler's cache; our own code writes none.
MAX_FILE = 128 * 2**20
#: Processes and threads of the account; only where it is a namespace of our own can the limit be this narrow.
MAX_PROCESSES = 64
MAX_OPEN_FILES = 256

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 2, 4, 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def receive(channel: socket.socket, size: int) -> bytearray | None:
    """Exactly `size` bytes; None where the other side closed before the first one.

    Raises:
        EOFError: the other side closed in the middle.
    """
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        count = channel.recv_into(view[got:])
        if not count:
            if got:
                raise EOFError
            return None
        got += count
    return data


def _confine(parent: int, memory_bytes: int) -> bool:
    """Give up what parsers never need.

    Returns:
        Whether the network is gone too; some container runtimes do not allow a process to give it up.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before it could be watched
        sys.exit(0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    user, group = os.getuid(), os.getgid()
    alone: bool = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS) == 0
    if alone:
        _keep_names(user, group)
        _lower(resource.RLIMIT_NPROC, MAX_PROCESSES)
    else:
        alone = libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS) == 0
    if alone:
        # Temporary files of its own, in memory and gone with the process: what a killed one leaves is nowhere.
        libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", _MS_NOSUID | _MS_NODEV, b"size=256m,mode=0700")
    # Data and not address space: FFmpeg, OpenBLAS and JIT compilers reserve far more than they touch.
    _lower(resource.RLIMIT_DATA, memory_bytes)
    _lower(resource.RLIMIT_FSIZE, MAX_FILE)
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    return alone


def _keep_names(user: int, group: int) -> None:
    """Let the account keep its number inside the new namespace, so that nothing it starts is puzzled."""
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - procfs wants one write
                file.write(content)
        except OSError:
            return


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(which, (limit, limit))


def _allow_cpu(seconds: float) -> None:
    """Move the soft limit of processor time: hung native code ends even where the parent cannot act."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - as above
        return int(file.read().split()[1]) * resource.getpagesize()


def _perform(header: dict[str, Any], payload: bytes) -> dict[str, Any]:
    _allow_cpu(header["deadline_s"])
    for name in header["warm"]:
        module, _, function = name.partition(":")
        loaded = import_module(module)
        if function:
            getattr(loaded, function)()
    if header["warm"]:
        return {"result": None}
    module, _, function = header["implementation"].partition(":")
    context = Context(Authorship(header["authorship"]), header["options"])
    return {"result": getattr(import_module(module), function)(Blob(payload, header["media_type"]), context).as_json()}


def _answer(header: dict[str, Any], payload: bytes) -> bytes:
    try:
        answer = _perform(header, payload)
    except Refusal as refusal:
        answer = {"refusal": refusal.reason.as_json()}
    except (MemoryError, RecursionError) as error:
        kind = "memory" if isinstance(error, MemoryError) else "nesting"
        reason = Reason(
            ReasonCode.LIMIT_EXCEEDED, f"The file is too large or too deeply nested ({kind}).", {"limit": kind}
        )
        answer = {"refusal": reason.as_json()}
    except BaseException as error:  # noqa: BLE001 - whatever a parser throws ends here
        answer = {"error": type(error).__name__}
    body = _encoded(answer)
    if len(body) > MAX_ANSWER:
        reason = Reason(
            ReasonCode.LIMIT_EXCEEDED, "The file holds more text than one package may.", {"limit": "answer"}
        )
        body = _encoded({"refusal": reason.as_json()})
    return body


def _encoded(answer: dict[str, Any]) -> bytes:
    answer["resident"] = _resident_bytes()
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")


def main() -> None:
    """Serve calls until the parent closes the socket."""
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    alone = _confine(int(sys.argv[1]), int(sys.argv[2]))
    hello = json.dumps({"network": not alone}).encode()
    channel.sendall(BODY.pack(len(hello)) + hello)
    while (head := receive(channel, HEAD.size)) is not None:
        header_size, payload_size = HEAD.unpack(head)
        header = json.loads(receive(channel, header_size) or b"{}")
        payload = bytes(receive(channel, payload_size) or b"")
        body = _answer(header, payload)
        channel.sendall(BODY.pack(len(body)))
        channel.sendall(body)


if __name__ == "__main__":
    main()
