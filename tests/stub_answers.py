"""What the stub of the vendor's API answers: real sentences of the document where it is honest, worse on command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_BLOCK = re.compile(r"^\[(P|X[^\]]*)\] ", re.MULTILINE)


def blocks_of(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Content as a list of blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def document(body: dict[str, Any]) -> str:
    """The data block."""
    blocks = [block for message in body["messages"] for block in blocks_of(message["content"])]
    return "\n\n".join(block["source"]["data"] for block in blocks if block["type"] == "document")


def instruction(body: dict[str, Any]) -> str:
    """What stands behind it."""
    blocks = [block for message in body["messages"] for block in blocks_of(message["content"])]
    return "\n\n".join(block["text"] for block in blocks if block["type"] == "text")


def spoken(text: str, *, own: bool) -> list[str]:
    """Sentences of the person, or of all others."""
    marks = [*_BLOCK.finditer(text)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = []
    for mark, end in zip(marks, ends, strict=True):
        if (mark.group(1) == "P") is own:
            found += [s.strip() for s in _SENTENCE.split(text[mark.end() : end].strip()) if len(s.split()) >= 5]
    return found


def finding(kind: str, name: str, thing: str, quotes: list[str], **more: Any) -> dict[str, Any]:
    """One finding in the shape that is asked for."""
    plain: dict[str, Any] = {"affirmed": True, "sensitive": False, "counter_quotes": [], "relations": []}
    return {"kind": kind, "name": name, "object": thing, "quotes": quotes, **plain, **more}


_FACTS = (
    ("occupation", r"\bI (?:am|work as) an? (\w+(?: \w+)?) (?:by trade|in|at|for)\b", "Works as a {}"),
    ("residence", r"\bI live in ((?:[A-Z]\w+ ?){1,2})", "Lives in {}"),
    ("like", r"\bI (?:love|like|enjoy) (\w+)", "Likes {}"),
)
_KIND = {"traits": "habit", "concepts": "topic", "style": "tone", "stance": "stance", "summary": "point"}
_NAMES = {
    "traits": ("Writes about everyday life", "everyday life"),
    "concepts": ("Daily life", "daily life"),
    "style": ("Tells things in order", ""),
    "stance": ("Takes life as it comes", "life"),
    "summary": ("What happened to the person", ""),
}


def task_of(body: dict[str, Any]) -> str:
    """The task that the instruction names."""
    found = re.search(r"Task: (\w+)", instruction(body))
    return found.group(1) if found else "summary"


def honest(body: dict[str, Any]) -> dict[str, Any]:
    """Findings that quote real sentences of the person, always the same ones."""
    own, task = spoken(document(body), own=True), task_of(body)
    if task == "facts":
        return {"findings": [*_facts(own)]}
    personal = [s for s in own if re.search(r"\b(?:I|my)\b", s)] or own
    spread = personal[:: max(1, len(personal) // 3)][:3]
    name, thing = _NAMES[task]
    return {"findings": [finding(_KIND[task], name, thing, spread)] if spread else []}


def _facts(own: list[str]) -> Iterator[dict[str, Any]]:
    for kind, pattern, name in _FACTS:
        grouped: dict[str, list[str]] = {}
        for sentence in own:
            if found := re.search(pattern, sentence):
                grouped.setdefault(found.group(1).strip(), []).append(sentence)
        for thing, quotes in grouped.items():
            yield finding(kind, name.format(thing), thing.lower(), quotes[:3])


def _kind(body: dict[str, Any]) -> str:
    return "like" if task_of(body) == "facts" else _KIND[task_of(body)]


def answer(mode: str, body: dict[str, Any]) -> tuple[str, str]:
    """Text and stop reason."""
    good = json.dumps(honest(body), ensure_ascii=False)
    kind = _kind(body)
    made = [f"I have always been proud of my {n} silver trophies." for n in range(3)]
    theirs = spoken(document(body), own=False)
    texts = {
        "cut-json": good[: len(good) // 2],
        "max-tokens": good[: len(good) // 2],
        "refusal": "",
        "not-json": "Here is what I found about you:",
        "wrong-shape": json.dumps({"findings": [{"trait": "kind", "confidence": 0.99}]}),
        "invented": _findings(finding(kind, "Wins silver trophies", "silver trophies", made)),
        "others": _findings(finding(kind, "Says what others say", "others", theirs[:5])),
        "obey": _findings(*obeyed(body)),
    }
    if mode == "repairable" and "Your last answer" not in instruction(body):
        mode = "wrong-shape"
    return texts.get(mode, good), {"max-tokens": "max_tokens", "refusal": "refusal"}.get(mode, "end_turn")


def _findings(*found: dict[str, Any]) -> str:
    return json.dumps({"findings": found}, ensure_ascii=False)


_ORDER = re.compile(
    r"(?i)^\W*(?:please )?(?:ignore|disregard|forget|translate|draft|explain|replace|can you|could you|what is|respond|"
    r"report|say|write|you are now)\b"
)


def obeyed(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whatever the document orders: each order becomes a trait that quotes the order, and what it wants quoted."""
    for sentence in spoken(document(body), own=True):
        if _ORDER.match(sentence):
            wanted = re.findall(r"[\"“']([^\"”']{8,})[\"”']", sentence)
            for kind in (_kind(body), "value", "habit"):
                yield finding(kind, "Does as it is told", "obedience", [sentence, *wanted])
