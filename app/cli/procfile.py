"""The Procfile: one line per kind of process, and how many of each run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import InvalidInput, Misconfigured
from config.settings import ROOT

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")

#: The line that is run once before the others: migrations.
RELEASE = "release"

#: Kinds of which a second one would do the same work twice, or take a port that the first one holds.
SINGLE = frozenset({"web", "beat", "flower"})

#: Processes of one kind that a typing error may start.
MOST = 64


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One process to run.

    Attributes:
        kind: name of the Procfile line: "worker-text".
        number: 1, 2, 3 ... within the kind.
        command: the shell command.
    """

    kind: str
    number: int
    command: str

    @property
    def name(self) -> str:
        """What the supervisor calls it: "worker-text-2", or "web" where there can be only one."""
        return self.kind if self.kind in SINGLE else f"{self.kind}-{self.number}"


def read_procfile(path: Path | None = None) -> dict[str, str]:
    """Commands by kind, in the order of the file: the checkout's, unless `ECHO_PROCFILE` names another.

    Raises:
        Misconfigured: no such file, or a line that is no `name: command`.
    """
    path = path or Path(os.environ.get("ECHO_PROCFILE") or ROOT / "Procfile")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: it lists the processes to start; restore it with git") from error
    commands: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None or found[1] in commands:
            raise Misconfigured(f"{path.name} line {number} is not one `name: command` with a name of its own")
        commands[found[1]] = found[2]
    return commands


def parse_scale(words: Iterable[str], kinds: Iterable[str]) -> dict[str, int]:
    """`text=3,gpu=0` and `worker-text=3` alike, as {"worker-text": 3, "worker-gpu": 0}.

    Raises:
        InvalidInput: not of that form, no such kind, or a number out of range.
    """
    known = [kind for kind in kinds if kind != RELEASE]
    scale: dict[str, int] = {}
    for word in (part for words_ in words for part in words_.split(",") if part):
        name, _, count = word.partition("=")
        kind = next((kind for kind in (name, f"worker-{name}") if kind in known), None)
        if kind is None:
            names = ", ".join(kind.removeprefix("worker-") for kind in known)
            raise InvalidInput(f"there is no process kind {name!r}; there are: {names}")
        if not count.isdecimal() or int(count) > (1 if kind in SINGLE else MOST):
            most = 1 if kind in SINGLE else MOST
            raise InvalidInput(f"{word!r} should be {name}=N with N from 0 to {most}")
        scale[kind] = int(count)
    return scale


def slots(commands: Mapping[str, str], scale: Mapping[str, int]) -> list[Slot]:
    """Every process to run: one of each kind unless `scale` says otherwise."""
    return [
        Slot(kind, number, command)
        for kind, command in commands.items()
        if kind != RELEASE
        for number in range(1, scale.get(kind, 1) + 1)
    ]
