"""The prompts: versioned files beside this module, and the table of tasks they are for.

A changed prompt is another version: its digest is part of the analyzer's version, and a test holds both together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from app.analyzers.llm.answers import schema

SYSTEM = "system.v1"


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
        prompt: id and version, the name of its file.
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


@cache
def text(prompt: str) -> str:
    """A prompt's file, read once."""
    return files(__package__).joinpath(f"{prompt}.md").read_text(encoding="utf-8").strip()


@cache
def digest(prompt: str) -> str:
    """SHA-256 over all that is sent beside the person's text: system, task and schema."""
    parts = [text(SYSTEM), text(prompt), json.dumps(schema(), sort_keys=True)]
    return sha256("\0".join(parts).encode()).hexdigest()
