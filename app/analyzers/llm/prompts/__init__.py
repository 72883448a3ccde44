"""The prompts: versioned files beside this module, and the table of tasks they are for.

A changed prompt is another version: its digest is part of the analyzer's version, and a test holds both together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from app.analyzers.llm.answers import schema

SYSTEM = "system.v1"
#: The question that is asked about claims when they are asked about twice (`again`).
AGAIN = "again.v1"


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


FACTS = _words(
    "occupation employer studies residence origin family pet like habit skill belief value goal self identity "
    "fear health diet possession"
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked about a text.

    Attributes:
        prompt: id and version, the name of its file, unless another one is chosen.
        kinds: of finding that it may answer.
        first_person: whether a quotation must speak of its writer ("I", "my") to prove anything.
    """

    prompt: str
    kinds: frozenset[str]
    first_person: bool = False


TASKS: dict[str, Task] = {
    "traits": Task("traits.v1", frozenset({"habit", "emotion", "interest", "skill", "knowledge", "disposition"})),
    "facts": Task("facts.v1", FACTS, first_person=True),
    "concepts": Task("concepts.v1", frozenset({"topic", "concept"})),
    "style": Task("style.v1", frozenset({"tone", "humour", "directness", "address", "structure", "imagery"})),
    "stance": Task("stance.v1", frozenset({"value", "belief", "stance"})),
    "summary": Task("summary.v1", frozenset({"point"})),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """The words of a task.

    Attributes:
        name: id and version, "traits.v1".
        text: of its file.
    """

    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 over all that is sent beside the person's text: system, task, schema, and what is asked twice."""
        parts = [text(SYSTEM), self.text, text(AGAIN), json.dumps(schema(), sort_keys=True)]
        return sha256("\0".join(parts).encode()).hexdigest()


@cache
def text(prompt: str) -> str:
    """A prompt's file, read once."""
    return files(__package__).joinpath(f"{prompt}.md").read_text(encoding="utf-8").strip()


def shipped(name: str) -> Prompt:
    """A prompt that comes with EchoSphere."""
    return Prompt(name, text(name))


def is_shipped(name: str, instruction: str) -> bool:
    """Whether an instruction is, word for word, the prompt of that name that comes with EchoSphere."""
    task, _, version = name.partition(".")
    return version in versions().get(task, []) and text(name) == instruction


def chosen(options: Mapping[str, Any]) -> Prompt:
    """What is asked.

    Args:
        options: `task` (a key of `TASKS`); of another prompt than the task's, `prompt` (id and version) and, where it
            does not come with EchoSphere, `prompt_text`.
    """
    name = options.get("prompt") or TASKS[options["task"]].prompt
    return Prompt(name, options.get("prompt_text") or text(name))


def versions() -> dict[str, list[str]]:
    """The versions that come with EchoSphere, by task, oldest first."""
    names = [entry.name.split(".") for entry in files(__package__).iterdir() if entry.name.endswith(".md")]
    return {task: sorted((n[1] for n in names if n[0] == task), key=lambda v: (len(v), v)) for task in TASKS}
