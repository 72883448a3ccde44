"""One Gremlin session over one WebSocket: a transaction, in this thread.

gremlinpython's own client keeps threads and a queue of connections: where a connection cannot be made it waits for
that queue for ever, and it logs what a server says about a failed request, which may hold a value of somebody's. This
uses its traversals, its serializer and its transport, and nothing else of it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiohttp
from gremlin_python.driver.aiohttp.transport import AiohttpTransport
from gremlin_python.driver.remote_connection import RemoteConnection, RemoteStrategy, RemoteTraversal
from gremlin_python.driver.request import RequestMessage
from gremlin_python.driver.serializer import GraphBinarySerializersV1
from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import Bytecode, TraversalStrategies
from gremlin_python.structure.graph import Graph as RemoteGraph

#: Largest answer, bytes; a person's graph is a few hundred vertices.
MAX_ANSWER = 64 * 2**20


class Refused(Exception):
    """The server answered with an error.

    Args:
        code: of the answer, as HTTP's.
        text: the server's own words: to look for the kind of error in, never to show.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"code {code}")
        self.text = text


class GremlinSession(RemoteConnection):  # type: ignore[misc]  # untyped library
    """A connection with a session; `source()` gives the traversals of its transaction.

    Args:
        url: `ws://` or `wss://`, with user and password where the server asks for them.
        headers: that the connection is asked for with.
        connect_s: seconds for the connection.
        answer_s: seconds for each answer.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, connect_s: float, answer_s: float) -> None:
        super().__init__(url, "g")
        parts = urlsplit(url)
        self._login = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._session = str(uuid4())
        self._serializer = GraphBinarySerializersV1()
        self._transport = _Transport(read_timeout=answer_s, write_timeout=answer_s, max_content_length=MAX_ANSWER)
        self._transport.dial(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), headers, connect_s)

    def source(self) -> GraphTraversalSource:
        """`g`."""
        strategies = TraversalStrategies()
        strategies.add_strategies([RemoteStrategy(self)])
        return GraphTraversalSource(RemoteGraph(), strategies)

    def submit(self, bytecode: Bytecode) -> RemoteTraversal:
        """Send a traversal and wait for all of its answer."""
        return RemoteTraversal(iter(list(self._ask("bytecode", {"gremlin": bytecode, "aliases": {"g": "g"}}))))

    def commit(self) -> None:
        """Commit what the session did."""
        self.submit(Bytecode.GraphOp.commit())

    def rollback(self) -> None:
        """Undo what the session did."""
        self.submit(Bytecode.GraphOp.rollback())

    def close(self) -> None:
        """Close the connection; the server ends the session with it."""
        self._transport.close()

    def _ask(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        request_id = str(uuid4())
        self._send(request_id, "session", operation, {**arguments, "session": self._session})
        while True:
            answer = self._serializer.deserialize_message(self._transport.read())
            status = answer["status"]
            match status["code"]:
                case 200 | 206:
                    yield from answer["result"]["data"]
                case 204:
                    return
                case 407:
                    token = base64.b64encode("\0".join(("", *self._login)).encode()).decode()
                    self._send(request_id, "session", "authentication", {"sasl": token, "session": self._session})
                case code:
                    raise Refused(code, f"{status['message']} {status['attributes']}")
            if status["code"] == 200:
                return

    def _send(self, request_id: str, processor: str, operation: str, arguments: Mapping[str, Any]) -> None:
        message = RequestMessage(processor, operation, dict(arguments))
        self._transport.write(self._serializer.serialize_message(request_id, message))


class _Transport(AiohttpTransport):  # type: ignore[misc]  # untyped library
    """gremlinpython's, with a limit to the time that a connection takes."""

    def dial(self, url: str, headers: Mapping[str, str], patience_s: float) -> None:
        async def dialled() -> None:
            async with asyncio.timeout(patience_s):
                self._client_session = aiohttp.ClientSession()
                self._websocket = await self._client_session.ws_connect(
                    url, headers=dict(headers), **self._aiohttp_kwargs
                )

        try:
            self._loop.run_until_complete(dialled())
        except BaseException:
            self.close()
            raise
