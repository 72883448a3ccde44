"""What a network recorder saw: of every Python process (`recorder/`), and of the kernel where strace may be used."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RECORDER = Path(__file__).with_name("recorder") / "sitecustomize.py"
#: Events that ask for the address of a name.
RESOLVING = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
#: Events that send to an address.
CALLING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
#: Events that start another program.
STARTING = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"})

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One audit event.

    Attributes:
        at: seconds since the epoch.
        pid: of the process.
        argv: its command line.
        event: its name.
        what: the address, the name, or the command line.
    """

    at: float
    pid: int
    argv: str
    event: str
    what: Any


def install(folder: Path) -> Path:
    """Put the recorder into a folder of its own, to be put on PYTHONPATH; it writes there."""
    folder.mkdir(parents=True)
    shutil.copy(RECORDER, folder)
    return folder


def events(folder: Path, since: float = 0.0) -> list[Event]:
    """All events of all processes, in their order."""
    found = [
        Event(**json.loads(line)) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines() if line
    ]
    return sorted((event for event in found if event.at >= since), key=lambda event: event.at)


def own_addresses(settings: Mapping[str, str]) -> set[Address]:
    """Loopback ports of a fleet's own servers, as its settings name them."""
    found = {("127.0.0.1", int(settings[name])) for name in ("ECHO_WEB_PORT", "ECHO_FLOWER_PORT") if name in settings}
    for name in ("ECHO_BROKER_URL", "ECHO_RESULT_URL"):
        parts = urlsplit(settings.get(name, ""))
        if parts.hostname and parts.port:
            found.add((parts.hostname, parts.port))
    return found


def called(recorded: Iterable[Event]) -> Iterator[tuple[Event, Address | str]]:
    """Each event that sends somewhere, with where to: a host and a port, or the path of a Unix socket."""
    for event in recorded:
        if event.event in CALLING and event.what is not None:
            where = event.what
            yield event, where if isinstance(where, str) else (str(where[0]), int(where[1]))


def strangers(recorded: Iterable[Event], own: set[Address]) -> list[Event]:
    """Events that go anywhere but to our own servers."""
    return [event for event, where in called(recorded) if not isinstance(where, str) and where not in own]


def resolved(recorded: Iterable[Event]) -> list[Event]:
    """Events that ask for the address of a name; a number needs none."""
    return [event for event in recorded if event.event in RESOLVING and not _number(event.what)]


def _number(host: Any) -> bool:
    host = host[0] if isinstance(host, list) else host
    try:
        return host is None or bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def tracer(log: Path) -> tuple[str, ...]:
    """The beginning of a command line that writes every connect(2) of a program and all its children to a file.

    Empty where there is no strace, or the system lets nobody trace. Needs no root; by its filter in the kernel no
    other system call stops.
    """
    base = ("strace", "-qq", "-f", "--seccomp-bpf", "-e", "trace=connect", "-e", "signal=none")
    if shutil.which("strace") is None:
        return ()
    tried = subprocess.run([*base, "-o", "/dev/null", "true"], capture_output=True, check=False)
    return () if tried.returncode else (*base, "-DDD", "-o", str(log))


_INET = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")


def traced(log: Path) -> list[tuple[int, Address]]:
    """Process and address of every connect(2) over IP."""
    lines = (line for line in log.read_text(errors="replace").splitlines() if "connect(" in line)
    found = ((line.split()[0], _INET.search(line)) for line in lines)
    return [(int(pid), (address[2], int(address[1]))) for pid, address in found if address]
