"""A stub of the vendor's HTTP API: Messages (plain and streamed) and token counting, honest or misbehaving on command.

A real server on a real socket, which the real SDK talks to. It checks what the published API checks, counts tokens as
four characters each, keeps a prompt cache as the API documents it (the prefix up to `cache_control`, together with the
schema), and records every request. The model's name chooses how it behaves ("stub-429"); `POST /control {"mode": …}`
does for models of any other name. An answer of the stub is no analysis: it quotes what it finds first.

`python -m tests.stub_anthropic --port 8765` runs it by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from uuid import uuid4

from tests import stub_batches
from tests.stub_answers import answer, behaviour, blocks_of
from tests.stub_citations import cited, wanted
from tests.stub_schema import complaint

#: Tokens below which the vendor caches nothing.
LEAST_CACHED = 1024
CACHE_S = 300.0
KEY = "stub-key"
_ORDERED = "as ordered"
_Made = dict[str, Callable[[], str]]
#: Mode to HTTP status, `error.type`, message and headers.
ERRORS: dict[str, tuple[int, str, str, _Made]] = {
    "429": (429, "rate_limit_error", _ORDERED, {"retry-after": lambda: "600"}),
    "429-date": (
        429,
        "rate_limit_error",
        _ORDERED,
        {"retry-after": lambda: formatdate(time.time() + 90, usegmt=True)},
    ),
    "429-bare": (429, "rate_limit_error", _ORDERED, {}),
    "500": (500, "api_error", _ORDERED, {}),
    "503": (503, "api_error", _ORDERED, {}),
    "504": (504, "timeout_error", _ORDERED, {}),
    "529": (529, "overloaded_error", _ORDERED, {}),
    "expired": (401, "authentication_error", _ORDERED, {}),
    "unpaid": (402, "billing_error", _ORDERED, {}),
    "barred": (403, "permission_error", _ORDERED, {}),
    "no-model": (404, "not_found_error", _ORDERED, {}),
    "413": (413, "request_too_large", _ORDERED, {}),
    "400": (400, "invalid_request_error", _ORDERED, {}),
    "too-long": (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum", {}),
}
#: Headers that carry the key; the SDK sends it as a bearer token or in a header of its own, by its form.
_SECRET = frozenset({"x-api-key", "authorization"})
_MODEL = re.compile(r"stub-(.+)|claude-.+")


def tokens(text: str) -> int:
    """Four characters each, rounded up."""
    return -(-len(text) // 4)


@dataclass
class Recorded:
    """A request as it came.

    Attributes:
        path: of the address.
        headers: lower case, without the key.
        raw: the body, byte for byte.
    """

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed


@dataclass
class Stub:
    """The server's state; `with running() as stub` starts one.

    Attributes:
        mode: for models that do not name one.
        latency_s: before an honest answer begins.
        requests: all of them, in order.
        batches: of questions, and how they behave.
    """

    mode: str = "honest"
    latency_s: float = 0.0
    url: str = ""
    requests: list[Recorded] = field(default_factory=list)
    cache: dict[str, float] = field(default_factory=dict)
    batches: stub_batches.Held = field(default_factory=stub_batches.Held)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Bodies of the questions, without those that only counted."""
        return [request.body for request in self.requests if request.path == "/v1/messages"]

    def message(self, mode: str, body: dict[str, Any]) -> dict[str, Any]:
        """A whole answer."""
        text, stop = answer(mode, body)
        content = cited(body) if wanted(body) else [{"type": "text", "text": text}]
        return {
            # As at the vendor, no two answers have the same.
            "id": f"msg_{uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {**self.usage(body), "output_tokens": tokens("".join(block["text"] for block in content))},
        }

    def end_batches(self) -> None:
        """Answer all questions of all batches that work."""
        self.batches.end(lambda body: self.message(self.mode, body))

    def usage(self, body: dict[str, Any]) -> dict[str, int]:
        """Tokens of a question, and what the cache saved of them."""
        prefix, rest = _split(body)
        key = hashlib.sha256(prefix.encode("utf-8", "surrogatepass")).hexdigest()
        counted = {"input_tokens": tokens(rest), "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        if tokens(prefix) < LEAST_CACHED:
            counted["input_tokens"] += tokens(prefix)
            return counted
        with self.lock:
            now = time.monotonic()
            known = self.cache.get(key, -CACHE_S) + CACHE_S > now
            self.cache[key] = now
        counted["cache_read_input_tokens" if known else "cache_creation_input_tokens"] = tokens(prefix)
        return counted


def _split(body: dict[str, Any]) -> tuple[str, str]:
    """What is cached, up to the last marked block and with the schema, and what is not."""
    parts = [json.dumps(body.get("output_config", {}), sort_keys=True) + body["model"]]
    parts += [block["text"] for block in blocks_of(body.get("system", ""))]
    marked = 0
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            parts.append(block["source"]["data"] if block["type"] == "document" else block["text"])
            if block.get("cache_control"):
                marked = len(parts)
    return "\0".join(parts[:marked]), "\0".join(parts[marked:])


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    stub: Stub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """`/control/requests`: what was asked."""
        if self.path.startswith(stub_batches.PATH):
            return self._batches({})
        asked = [request.body for request in self.stub.requests]
        return self._json(200, {"requests": asked, "label": "this is a stub, not a model"})

    def do_POST(self) -> None:
        """Answer."""
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(raw or b"{}")
        if self.path == "/control":
            self.stub.mode = body.get("mode", self.stub.mode)
            self.stub.latency_s = body.get("latency_s", self.stub.latency_s)
            return self._json(200, {"mode": self.stub.mode})
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _SECRET}
        self.stub.requests.append(Recorded(self.path.partition("?")[0], headers, raw))
        return self._api(body)

    def do_DELETE(self) -> None:
        """Of batches alone."""
        self._batches({})

    def _batches(self, body: dict[str, Any]) -> None:
        stub, path = self.stub, self.path.partition("?")[0]
        status, said = stub.batches.answer(
            self.command,
            path,
            body,
            lambda asked: stub.message(stub.mode, asked),
            lambda asked: complaint(asked, counting=False),
        )
        if isinstance(said, dict):
            return self._json(status, said)
        return self._raw(status, stub_batches.lines(said), {"content-type": "application/binary"})

    def _api(self, body: dict[str, Any]) -> None:
        key = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if not key or key == "expired" or not self.headers.get("anthropic-version"):
            return self._error(401, "authentication_error", "invalid x-api-key")
        if self.path.startswith(stub_batches.PATH):
            return self._batches(body)
        counting = self.path.startswith("/v1/messages/count_tokens")
        if wrong := complaint(body, counting=counting):
            return self._error(400, "invalid_request_error", wrong)
        found = _MODEL.fullmatch(body["model"])
        if not found:
            return self._error(404, "not_found_error", f"model: {body['model']}")
        mode = found.group(1) or self.stub.mode
        if counting:
            return self._json(200, {"input_tokens": sum(map(tokens, _split(body)))})
        return self._answer(mode, body)

    def _answer(self, mode: str, body: dict[str, Any]) -> None:
        mode = behaviour(mode, body)
        if mode in ERRORS:
            status, kind, message, headers = ERRORS[mode]
            self._error(status, kind, message, {name: made() for name, made in headers.items()})
        elif mode == "elsewhere":
            self._json(307, {}, {"location": f"{self.stub.url}/v1/elsewhere"})
        elif mode == "hang":
            self.stub.stopping.wait(60)
        elif mode == "drip-head":
            self._drip(b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 600)
        else:
            self._message(mode, body)

    def _message(self, mode: str, body: dict[str, Any]) -> None:
        self.stub.stopping.wait(float(mode[8:]) if mode.startswith("latency-") else self.stub.latency_s)
        message = self.stub.message(mode, body)
        if not body.get("stream"):
            return self._json(200, message, {"request-id": "req_stub"})
        return self._stream(mode, message)

    def _stream(self, mode: str, message: dict[str, Any]) -> None:
        self.send_response(200)
        for name, value in (("content-type", "text/event-stream"), ("request-id", "req_stub"), ("connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        if mode == "garbage":
            self.wfile.write(b"event: message_start\ndata: {not json\n\n")
            return None
        begun: dict[str, Any] = {
            **message,
            "content": [],
            "stop_reason": None,
            "usage": {**message["usage"], "output_tokens": 1},
        }
        self._event("message_start", {"message": begun})
        self._event("ping", {})
        if mode == "error-event":
            return self._event("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})
        if mode == "drip-bytes":
            return self._drip(b"event: content_block_delta\ndata: " + b" " * 600)
        for index, block in enumerate(message["content"]):
            if not self._block(mode, index, block):
                return None
        used = {"output_tokens": message["usage"]["output_tokens"]}
        ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        self._event("message_delta", {"delta": ended, "usage": used})
        return self._event("message_stop", {})

    def _block(self, mode: str, index: int, block: dict[str, Any]) -> bool:
        """One block of content; whether the stream goes on after it."""
        self._event("content_block_start", {"index": index, "content_block": {"type": "text", "text": ""}})
        deltas = ({"type": "text_delta", "text": part} for part in _parts(mode, block["text"]))
        places = ({"type": "citations_delta", "citation": place} for place in block.get("citations", ()))
        for delta in itertools.chain(deltas, places):
            self._event("content_block_delta", {"index": index, "delta": delta})
            if mode == "close" or (mode == "drip" and self.stub.stopping.wait(0.2)):
                return False
        self._event("content_block_stop", {"index": index})
        return True

    def _event(self, name: str, data: dict[str, Any]) -> None:
        body = json.dumps({"type": name, **data}, ensure_ascii=False)
        self.wfile.write(f"event: {name}\ndata: {body}\n\n".encode())
        self.wfile.flush()

    def _drip(self, raw: bytes) -> None:
        """A byte five times a second."""
        self.close_connection = True
        for index in range(len(raw)):
            self.wfile.write(raw[index : index + 1])
            self.wfile.flush()
            if self.stub.stopping.wait(0.2):
                return

    def _error(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        self._json(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)

    def _json(self, status: int, doc: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(doc, ensure_ascii=False).encode(), headers)

    def _raw(self, status: int, raw: bytes, headers: dict[str, str] | None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(raw)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def _parts(mode: str, text: str) -> Iterator[str]:
    if mode == "enormous":
        while True:
            yield "x" * 65_536
    size = 1 if mode == "drip" else 200
    for start in range(0, len(text), size):
        yield text[start : start + size]


class Server(ThreadingHTTPServer):
    """Threads that do not keep the process alive; clients that go away are no news."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what most misbehaviours end in."""

    @classmethod
    def of(cls, stub: Stub, port: int = 0) -> Self:
        """A server for that state, listening."""
        server = cls(("127.0.0.1", port), type("StubHandler", (Handler,), {"stub": stub}))
        stub.url = f"http://127.0.0.1:{server.server_port}"
        return server


@contextlib.contextmanager
def running(mode: str = "honest") -> Iterator[Stub]:
    """A stub on a free port, until the end of the block."""
    stub = Stub(mode)
    server = Server.of(stub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stub of the vendor's API. Its answers are made up.")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--mode", default="honest")
    parser.add_argument("--latency", type=float, default=0.0)
    chosen = parser.parse_args()
    server = Server.of(Stub(chosen.mode, chosen.latency), chosen.port)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
