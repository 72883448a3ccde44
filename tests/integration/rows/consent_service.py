"""A consent service that answers, or fails to, as a test says: real HTTP on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECRET = "consent-" + "s" * 32
YES: dict[str, Any] = {"isValid": True, "reason": None}


def no(reason: str) -> dict[str, Any]:
    return {"isValid": False, "reason": reason}


@dataclass
class ConsentService:
    """What it answers, and what it was asked."""

    url: str = ""
    #: By scope; anything else is not covered.
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Instead of an answer by the contract: writes to the handler what it likes.
    misbehave: Callable[[BaseHTTPRequestHandler], None] | None = None
    #: Called before each answer.
    before: Callable[[dict[str, str]], None] = lambda _asked: None
    asked: list[dict[str, str]] = field(default_factory=list)
    callers: list[tuple[str, int]] = field(default_factory=list)

    def scopes(self) -> list[str]:
        return [asked["requiredScope"] for asked in self.asked]


def respond(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: never silent for long, never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", "4000")
    handler.end_headers()
    with suppress(OSError):
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)


@contextmanager
def consent_service() -> Iterator[ConsentService]:
    """Serve on a port of its own."""
    service = ConsentService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            service.asked.append(asked)
            service.callers.append(self.client_address)
            service.before(asked)
            with suppress(OSError):
                if service.misbehave is not None:
                    self.close_connection = True
                    service.misbehave(self)
                elif self.headers["Authorization"] != f"Bearer {SECRET}":
                    respond(self, 401, b"{}")
                elif address.path != "/internal/consent/v1/verify":
                    respond(self, 404, b"{}")
                else:
                    said = service.answers.get(asked["requiredScope"], no("not_covered"))
                    respond(self, 200, json.dumps(said).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
