"""The moto server for tests: S3, KMS and Secrets Manager over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.stores.aws import Aws
from scripts.stores.server import MissingToolchain
from tests.servers import missing


@pytest.fixture(scope="session")
def aws_server(place: Path, home: Path) -> Iterator[Aws]:
    """The server, furnished, and the credentials that it takes in the environment."""
    server = Aws(place / "aws")
    try:
        server.build()
    except MissingToolchain as error:
        missing(error)
    with pytest.MonkeyPatch.context() as patch, server.running():
        for name, value in server.settings().items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield server


@contextmanager
def answering(status: int, body: bytes, content_type: str, *, cut: bool = False) -> Iterator[str]:
    """A service that has one answer to everything: for states that the emulator does not know; its address.

    Args:
        status: of HTTP.
        body: of the answer.
        content_type: of the answer.
        cut: close the connection before the whole body, whose announced length is twice as long.
    """

    class Answer(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body) * (2 if cut else 1)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)
            self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - names of the library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
