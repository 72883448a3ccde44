"""Message Batches of the stub of the vendor's API: create, list, retrieve, results, cancel, delete.

As published: ids of 1 to 64 characters and each once, a batch works until it ends, results only then and in any order,
nothing is deleted while it works. What goes wrong is ordered by the attributes of `Held`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

PATH = "/v1/messages/batches"
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KEPT_S = 86_400
#: Makes a message of a question, complains about one, as for single questions.
Message = Callable[[dict[str, Any]], dict[str, Any]]
Complaint = Callable[[dict[str, Any]], str]
#: Status and body; lines of JSON where the body is a list.
Answered = tuple[int, dict[str, Any] | list[dict[str, Any]]]


@dataclass
class Batch:
    """One of them."""

    id: str
    requests: list[dict[str, Any]]
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "in_progress"
    cancelled: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        ended = self.status == "ended"
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for line in self.lines:
            kind = (line["result"] or {}).get("type")
            counts[kind if kind in counts else "succeeded"] += 1
        counts["processing"] = len(self.requests) - len(self.lines)
        moment = self.created_at.isoformat()
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": self.status,
            "request_counts": counts,
            "created_at": moment,
            "expires_at": (self.created_at + timedelta(seconds=_KEPT_S)).isoformat(),
            "ended_at": moment if ended else None,
            "archived_at": None,
            "cancel_initiated_at": moment if self.cancelled else None,
            "results_url": f"https://elsewhere.example{PATH}/{self.id}/results" if ended else None,
        }


@dataclass
class Held:
    """All batches, and how they behave.

    Attributes:
        at_once: whether a batch ends as soon as it is created.
        fate: what becomes of the nth question: a type of result, or "errored:<error type>", "omitted", or a line as it
            must not be: "garbled" and "wordless" (no message, a message without content), "errored:null" and "null" (no
            error, no result), "odd" (a type that nobody knows), "broken" (no JSON).
        refuse: HTTP status and error type that every one of these addresses answers with.
        refuse_results: the same for the results of batches, by id.
        lose_answer: the next batch is created, and the answer that says so is a 500.
        poison: a batch with a question that holds this text is refused as a whole.
        deleted: ids of batches that were removed.
        created: all that were created, by id.
    """

    at_once: bool = True
    fate: Callable[[int], str] = lambda _: "succeeded"
    refuse: tuple[int, str] | None = None
    refuse_results: dict[str, tuple[int, str]] = field(default_factory=dict)
    lose_answer: bool = False
    poison: str = ""
    deleted: list[str] = field(default_factory=list)
    created: dict[str, Batch] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """All questions of all batches."""
        return [request for batch in self.created.values() for request in batch.requests]

    def end(self, message: Message) -> None:
        """End all that work."""
        with self.lock:
            for batch in self.created.values():
                self._end(batch, message)

    def _end(self, batch: Batch, message: Message) -> None:
        if batch.status == "ended":
            return
        for place, request in enumerate(batch.requests):
            fate = "canceled" if batch.cancelled else self.fate(place)
            if fate != "omitted":
                batch.lines.append({"custom_id": request["custom_id"], "result": _result(fate, request, message)})
        batch.lines.reverse()  # results come in any order
        batch.status = "ended"

    def answer(self, method: str, path: str, body: dict[str, Any], message: Message, complaint: Complaint) -> Answered:
        """What an address of the batches answers."""
        if self.refuse:
            return _error(*self.refuse, "as ordered")
        with self.lock:
            return self._answer(method, path.removeprefix(PATH).strip("/").split("/"), body, message, complaint)

    def _answer(
        self, method: str, steps: list[str], body: dict[str, Any], message: Message, complaint: Complaint
    ) -> Answered:
        if steps == [""]:
            return self._create(body, message, complaint) if method == "POST" else self._list()
        batch = self.created.get(steps[0])
        if batch is None or batch.id in self.deleted:
            return _error(404, "not_found_error", "no such batch")
        if steps[1:] == ["results"] or method == "DELETE":
            return self._ended(batch, method)
        if steps[1:] == ["cancel"]:
            batch.cancelled, batch.status = True, "canceling"
            if self.at_once:
                self._end(batch, message)
        return 200, batch.as_json()

    def _ended(self, batch: Batch, method: str) -> Answered:
        if batch.status != "ended":
            return _error(400, "invalid_request_error", "the batch has not ended")
        if method != "DELETE":
            refused = self.refuse_results.get(batch.id)
            return _error(*refused, "as ordered") if refused else (200, batch.lines)
        self.deleted.append(batch.id)
        return 200, {"id": batch.id, "type": "message_batch_deleted"}

    def _create(self, body: dict[str, Any], message: Message, complaint: Complaint) -> Answered:
        ids = [request["custom_id"] for request in body["requests"]]
        if not ids or len({*ids}) < len(ids) or not all(_CUSTOM_ID.fullmatch(one) for one in ids):
            return _error(400, "invalid_request_error", "requests: custom_id must be valid, and unique")
        for request in body["requests"]:
            params = request["params"]
            wrong = "stream: not in a batch" if params.get("stream") else complaint(params)
            if self.poison and self.poison in json.dumps(params):
                wrong = "as ordered"
            if wrong:
                return _error(400, "invalid_request_error", wrong)
        batch = Batch(f"msgbatch_{len(self.created):04}", body["requests"])
        self.created[batch.id] = batch
        if self.at_once:
            self._end(batch, message)
        if self.lose_answer:
            self.lose_answer = False
            return _error(500, "api_error", "as ordered")
        return 200, batch.as_json()

    def _list(self) -> Answered:
        found = [one.as_json() for one in reversed(self.created.values()) if one.id not in self.deleted]
        ends = {"first_id": found[0]["id"], "last_id": found[-1]["id"]} if found else {}
        return 200, {"data": found, "has_more": False, "first_id": None, "last_id": None, **ends}


def _result(fate: str, request: dict[str, Any], message: Message) -> dict[str, Any] | None:
    kind, _, error = fate.partition(":")
    if kind == "succeeded":
        return {"type": "succeeded", "message": message(request["params"])}
    if kind == "wordless":
        return {"type": "succeeded", "message": {**message(request["params"]), "content": None}}
    if kind == "errored" and error != "null":
        return {"type": "errored", "error": {"type": "error", "error": {"type": error, "message": "as ordered"}}}
    wrong = {"garbled": {"type": "succeeded", "message": None}, "errored": {"type": "errored", "error": None}}
    return None if kind == "null" else wrong.get(kind, {"type": kind})


def _error(status: int, kind: str, message: str) -> Answered:
    return status, {"type": "error", "error": {"type": kind, "message": message}}


def lines(answered: list[dict[str, Any]]) -> bytes:
    """JSON lines; one that is ordered to be broken ends before its time."""
    whole = [json.dumps(line, ensure_ascii=False).encode() for line in answered]
    broken = [line["result"] == {"type": "broken"} for line in answered]
    return b"".join((raw[:-9] if cut else raw) + b"\n" for raw, cut in zip(whole, broken, strict=True))
