"""Analyzers that do to their process what hostile files have done to parsers."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from app.analysis import Blob, Context, Result
from app.errors import Refusal
from app.layers import Segment, TextLayer
from app.vocabulary import ReasonCode, SegmentKind

WORDS = "the words of the file"


def echo(blob: Blob, context: Context) -> Result:
    """Answer with what was asked, and a layer."""
    text = blob.data.decode()
    layer = TextLayer(
        text, language="en", segments=(Segment(0, len(text), SegmentKind.VERSE, page=3, box=(1, 2, 3, 4)),)
    )
    features = {"type": blob.media_type, "authorship": str(context.authorship), "pid": os.getpid(), **context.options}
    return Result(features, layers=(layer,))


def size(blob: Blob, context: Context) -> Result:
    """Answer with little to much."""
    return Result({"bytes": len(blob.data)})


def refuse(blob: Blob, context: Context) -> Result:
    """Refuse."""
    raise Refusal(ReasonCode.NEEDS_PASSWORD, "locked", pages=7)


def fail(blob: Blob, context: Context) -> Result:
    """Fail with an error that quotes the file, as parsers do."""
    raise KeyError(WORDS)


def leave(blob: Blob, context: Context) -> Result:
    """End the process."""
    os._exit(3)


def system_exit(blob: Blob, context: Context) -> Result:
    """Try to end the process politely."""
    sys.exit(3)


def crash(blob: Blob, context: Context) -> Result:
    """Read where nothing is."""
    ctypes.string_at(0)
    return Result({})


def hang(blob: Blob, context: Context) -> Result:
    """Wait for ever, with a child that waits for ever; say its number first."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path(context.options["told"]).write_text(f"{os.getpid()} {child.pid}")
    signal.pause()
    return Result({})


def spin(blob: Blob, context: Context) -> Result:
    """Use the processor and deafen the alarm that the deadline is not."""
    while True:
        pass


def hoard(blob: Blob, context: Context) -> Result:
    """Ask for memory without end."""
    return Result({"bytes": len([bytearray(2**26) for _ in range(10_000)])})


def recurse(blob: Blob, context: Context) -> Result:
    """Nest without end."""
    return recurse(blob, context)


def flood(blob: Blob, context: Context) -> Result:
    """Answer with more than the pipe takes."""
    return Result({"text": "x" * (65 * 2**20)})


def swell(blob: Blob, context: Context) -> Result:
    """Stay fat after the call."""
    globals()["_kept"] = bytearray(os.urandom(2**20) * int(context.options["mebibytes"]))
    return Result({"pid": os.getpid()})


def shout(blob: Blob, context: Context) -> Result:
    """Write the file to where a library would complain."""
    os.write(1, WORDS.encode())
    os.write(2, WORDS.encode())
    return Result({})


def connect(blob: Blob, context: Context) -> Result:
    """Try to reach a listening socket of this machine."""
    try:
        socket.create_connection(("127.0.0.1", context.options["port"]), timeout=2).close()
    except OSError as error:
        return Result({"reached": False, "error": type(error).__name__})
    return Result({"reached": True})


def look_around(blob: Blob, context: Context) -> Result:
    """What the process is and may do."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Result(
        {
            "environment": dict(os.environ),
            "no_new_privileges": status["NoNewPrivs"].strip(),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "group": os.getpgid(0),
            "pid": os.getpid(),
            "threads": threading.active_count(),
            "shared_memory": [path.name for path in Path("/dev/shm").iterdir()],  # noqa: S108 - looked at only
        }
    )


def write_large(blob: Blob, context: Context) -> Result:
    """Write a file larger than anything we need."""
    with Path(context.options["path"]).open("wb") as file:
        file.writelines(bytes(2**20) for _ in range(300))
    return Result({})


def warm_up() -> None:
    """Called once by a new child."""
    globals()["_warm"] = True


def is_warm(blob: Blob, context: Context) -> Result:
    """Whether `warm_up` ran in this process."""
    return Result({"warm": globals().get("_warm", False), "loaded": "colorsys" in sys.modules})
