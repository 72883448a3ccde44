"""A network recorder for every Python process that finds this folder on its PYTHONPATH, sandboxed children included.

Python imports a module of this name before anything else. It hooks the interpreter's audit events (PEP 578), which no
library can go round from Python, and writes each event that has to do with a network or another program into the file
of its process beside this module: sandboxed children see no variable that could name another place.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
#: Audit event to the argument that says who is called.
_ADDRESS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
    "subprocess.Popen": 1,
    "os.system": 0,
    "os.exec": 1,
    "os.posix_spawn": 1,
}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, type(None))) else str(value)


def _write(event: str, what: Any) -> None:
    pid = os.getpid()
    line = {"at": time.time(), "pid": pid, "argv": " ".join(sys.orig_argv), "event": event, "what": _plain(what)}
    # Opened for each event: a worker that is forked or closes what it inherited never writes into somebody else's.
    with (_FOLDER / f"{pid}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    at = _ADDRESS.get(event)
    if at is not None:
        _write(event, arguments[at])


_write("started", None)
sys.addaudithook(_hook)
