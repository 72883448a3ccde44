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
    if task == "again":
        return {"findings": [*_confirmed(body, own)]}
    return {"findings": [*_first(task, own)]}


def _first(task: str, own: list[str]) -> Iterator[dict[str, Any]]:
    if task == "facts":
        yield from _facts(own)
        return
    personal = [s for s in own if re.search(r"\b(?:I|my)\b", s)] or own
    spread = personal[:: max(1, len(personal) // 3)][:3]
    name, thing = _NAMES[task]
    if spread:
        yield finding(_KIND[task], name, thing, spread)


def claims(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The claims that are asked about, by their number."""
    lines = re.findall(r"(?m)^(\d+)\. (\{.*\})$", instruction(body))
    return {number: json.loads(claim) for number, claim in lines}


def _confirmed(body: dict[str, Any], own: list[str]) -> Iterator[dict[str, Any]]:
    """Each claim that the stub itself would make of this document."""
    known = {(one["kind"], one["name"]): one for task in ("facts", *_KIND) for one in _first(task, own)}
    for number, claim in claims(body).items():
        if found := known.get((claim["kind"], claim["name"])):
            yield {**found, "kind": number, "affirmed": claim["affirmed"]}


def _facts(own: list[str]) -> Iterator[dict[str, Any]]:
    for kind, pattern, name in _FACTS:
        grouped: dict[str, list[str]] = {}
        for sentence in own:
            if found := re.search(pattern, sentence):
                grouped.setdefault(found.group(1).strip(), []).append(sentence)
        for thing, quotes in grouped.items():
            yield finding(kind, name.format(thing), thing.lower(), quotes[:3])


def _kind(body: dict[str, Any]) -> str:
    """A kind that the task allows; of claims that are asked about again, the number of the first."""
    return {"facts": "like", "again": "1", **_KIND}[task_of(body)]


def behaviour(mode: str, body: dict[str, Any]) -> str:
    """How a mode behaves at this question.

    "again-…" is honest at first and then, asked about the same claims, does as its second part says; "once-…" does that
    until it is asked to repair its answer.
    """
    when, _, what = ("once-wrong-shape" if mode == "repairable" else mode).partition("-")
    if when == "again":
        return what if task_of(body) == "again" else "honest"
    if when == "once":
        return "honest" if "Your last answer" in instruction(body) else what
    return mode


def answer(mode: str, body: dict[str, Any]) -> tuple[str, str]:
    """Text and stop reason."""
    mode = behaviour(mode, body)
    made = texts(body)
    return made.get(mode, made["honest"]), {"max-tokens": "max_tokens", "refusal": "refusal"}.get(mode, "end_turn")


def texts(body: dict[str, Any]) -> dict[str, str]:
    """Mode to its text; those of all other modes are honest."""
    found = honest(body)["findings"]
    good = _findings(*found)
    kind = _kind(body)
    made = [f"I have always been proud of my {n} silver trophies." for n in range(3)]
    theirs = spoken(document(body), own=False)
    return {
        "honest": good,
        "cut-json": good[: len(good) // 2],
        "max-tokens": good[: len(good) // 2],
        "refusal": "",
        "not-json": "Here is what I found about you:",
        "wrong-shape": json.dumps({"findings": [{"trait": "kind", "confidence": 0.99}]}),
        "invented": _findings(finding(kind, "Wins silver trophies", "silver trophies", made)),
        "others": _findings(finding(kind, "Says what others say", "others", theirs[:5])),
        "obey": _findings(*obeyed(body)),
        "related": _findings(*related(body)),
        "silent": _findings(),
        "thin": _findings(*({**one, "quotes": [one["quotes"][0], made[0]]} for one in found)),
        # Of claims that are asked about again: the opposite, or the same sentences held against them.
        "fickle": _findings(*({**one, "affirmed": task_of(body) != "again"} for one in found)),
        "against": _findings(*({**one, "counter_quotes": one["quotes"], "quotes": []} for one in found)),
    }


def _findings(*found: dict[str, Any]) -> str:
    return json.dumps({"findings": found}, ensure_ascii=False)


#: What a model without any sense takes for an order. "What is it to me?" and "Forget my manager" are a writer's own.
_ORDER = re.compile(
    r"(?i)^\W*(?:please )?(?:translate|draft|explain|replace|can you|could you|respond|report|write|you are now)\b"
    r"|^\W*(?:please )?(?:ignore|disregard|forget)\b.*(?:instruct|prompt|rule|above|previous|prior|everything|told)"
    r"|^\W*say (?:that|only|[\"“'])|^\W*what is (?!.*\b(?:my|mine|me)\b).*\?\W*$"
)


def obeyed(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whatever the document orders: each order becomes a trait that quotes the order, and what it wants quoted."""
    for sentence in spoken(document(body), own=True):
        if _ORDER.match(sentence):
            wanted = re.findall(r"[\"“']([^\"”']{8,})[\"”']", sentence)
            for kind in (_kind(body), "value", "habit"):
                yield finding(kind, "Does as it is told", "obedience", [sentence, *wanted])


def related(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Concepts that are related to each other, one of them shown once only, and one that is none of the findings."""
    own = spoken(document(body), own=True)
    for name, quotes, relations in (
        ("beekeeping", own[::2], {"husbandry": "is_a_type_of", "honey": "associated_with", "wax": "associated_with"}),
        ("husbandry", own[1::2], {"beekeeping": "associated_with", "trade": "is_a_type_of"}),
        ("honey", own[:3], {"bee keepers": "is_a_type_of"}),
        ("wax", own[:1], {"honey": "associated_with"}),
    ):
        said = [{"relation": relation, "to": to} for to, relation in relations.items()]
        yield finding("concept", name.capitalize(), name, quotes[:4], relations=said)
