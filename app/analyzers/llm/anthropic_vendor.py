"""Claude, through the vendor's SDK: one question, one deadline, one of our own errors.

The answer is asked for as structured output (`output_config.format`). The API's other way to evidence, citations with
character locations, excludes structured output, and tells nothing that we would not have to prove ourselves: what is
quoted from a redacted window must be mapped back to the layer in any case. So the model quotes word for word, and we
look for it.

The SDK's timeouts are idle times: a server that sends a byte a minute never runs into them. The call therefore runs on
an event loop of its own, which is left at the deadline whatever it waits for: name resolution, a handshake, a header or
the next event. Answers are streamed, so that one that never ends is left as soon as it is too long.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import anthropic
import httpx2
from anthropic.types import Message, RawMessageStreamEvent

from app.analyzers.llm.anthropic_errors import EXPLAINED, TooMuch, vendor_error
from app.analyzers.llm.port import Answer, Request, Usage, VendorError, VendorErrorKind

T = TypeVar("T")
Call = Callable[[anthropic.AsyncAnthropic], Awaitable[T]]

#: Bytes of a whole answer, events and all; sixteen thousand tokens come to about a megabyte.
MOST_BYTES = 8 * 2**20
#: Code points of its text.
MOST_TEXT = 400_000
#: Tokens of one kind; more is no bill of one question, and no row could hold it.
MOST_TOKENS = 100_000_000
#: Seconds between two questions whether somebody cancelled.
POLL_S = 0.25
#: Code points of a token, roughly.
CHARACTERS = 4
#: Seconds that a call has to let go once it was told to.
GRACE_S = 1.0
_STOPPED = {
    "refusal": VendorErrorKind.REFUSED,
    "max_tokens": VendorErrorKind.CUT_OFF,
    "model_context_window_exceeded": VendorErrorKind.TOO_LARGE,
}


class Anthropic:
    """The `Vendor` that answers with Claude.

    Args:
        api_key: of the account that pays.
        model: id as the vendor writes it.
        base_url: another address than the vendor's, for a proxy or a stub.
        most_bytes: of one answer.
    """

    name = "anthropic"

    def __init__(self, *, api_key: str, model: str, base_url: str = "", most_bytes: int = MOST_BYTES) -> None:
        self.model = model
        self._key = api_key
        self._url = base_url or "https://api.anthropic.com"
        self._most_bytes = most_bytes
        # At level DEBUG the SDK logs every request with its body, which is the person's text.
        logging.getLogger("anthropic").setLevel(logging.WARNING)

    def complete(self, request: Request, deadline_s: float, cancelled: Callable[[], bool] | None = None) -> Answer:
        """`Vendor.complete`."""
        heard = Heard()

        async def call(client: anthropic.AsyncAnthropic) -> Answer:
            try:
                stream = await client.messages.create(
                    **self.asked(request), max_tokens=request.max_output_tokens, stream=True
                )
                async with stream:
                    async for event in stream:
                        heard.take(event)
                return heard.answer()
            except Exception as error:  # noqa: BLE001 - whatever it is becomes one of our kinds
                raise vendor_error(error) from None

        try:
            return self.run(call, deadline_s, cancelled)
        except VendorError as error:
            # What was written before it went wrong is billed; never more than was asked for, on which budgets rest.
            output = min(heard.spent.output, request.max_output_tokens)
            error.usage, error.model = replace(heard.spent, output=output), heard.model or self.model
            error.request_id = heard.request_id or error.request_id
            raise

    def count_tokens(self, request: Request, deadline_s: float = 20.0) -> int:
        """`Vendor.count_tokens`."""

        async def call(client: anthropic.AsyncAnthropic) -> int:
            try:
                return int((await client.messages.count_tokens(**self.asked(request))).input_tokens)
            except Exception as error:  # noqa: BLE001 - whatever it is becomes one of our kinds
                raise vendor_error(error) from None

        return self.run(call, deadline_s, None)

    def asked(self, request: Request) -> dict[str, Any]:
        """What all calls send. The task stands last: all tasks that read one document share what is before it."""
        output: dict[str, Any] = {
            "format": {"type": "json_schema", "schema": anthropic.transform_schema(request.schema)},
            **({"effort": request.effort} if request.effort else {}),
        }
        document = {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": request.document},
            "cache_control": {"type": "ephemeral"},
        }
        task = {"type": "text", "text": request.instruction}
        return {
            "model": self.model,
            "system": [{"type": "text", "text": request.system}],
            "messages": [{"role": "user", "content": [document, task]}],
            "output_config": output,
        }

    def run(self, call: Call[T], deadline_s: float, cancelled: Callable[[], bool] | None) -> T:
        """Run a call on a loop of its own; `asyncio.run` would wait for a name server that does not answer."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self._within(call, deadline_s, cancelled))
        finally:
            loop.close()

    def _within(self, call: Call[T], deadline_s: float, cancelled: Callable[[], bool] | None) -> Coroutine[Any, Any, T]:
        async def work() -> T:
            async with self._client(deadline_s) as client:
                return await call(client)

        return _until(work, deadline_s, cancelled)

    def _client(self, deadline_s: float) -> anthropic.AsyncAnthropic:
        transport = _Bounded(httpx2.AsyncHTTPTransport(verify=self._tls), self._most_bytes)
        return anthropic.AsyncAnthropic(
            api_key=self._key,
            base_url=self._url,
            max_retries=0,
            timeout=deadline_s,
            # The person's text goes where consent says, and not where a redirection points to.
            http_client=httpx2.AsyncClient(transport=transport, timeout=deadline_s, follow_redirects=False),
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context()


async def _until(
    work: Callable[[], Coroutine[Any, Any, T]], deadline_s: float, cancelled: Callable[[], bool] | None
) -> T:
    """Wait for work, but not beyond the deadline and not for an answer that nobody wants any more."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + deadline_s
    task = loop.create_task(work())
    try:
        while not task.done():
            left = ends - loop.time()
            if left <= 0:
                raise VendorError(VendorErrorKind.TIMEOUT, EXPLAINED[VendorErrorKind.TIMEOUT])
            if cancelled is not None and cancelled():
                raise VendorError(VendorErrorKind.CANCELLED, EXPLAINED[VendorErrorKind.CANCELLED])
            await asyncio.wait({task}, timeout=min(left, POLL_S))
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_S)


@dataclass(slots=True)
class Heard:
    """What the stream has said so far."""

    parts: list[str] = field(default_factory=list)
    size: int = 0
    usage: Usage = field(default_factory=Usage)
    stop_reason: str = ""
    model: str = ""
    request_id: str = ""

    def take(self, event: RawMessageStreamEvent) -> None:
        """Read one event; kinds that are not known are passed over, as the API's versioning asks."""
        if event.type == "message_start":
            self.model, self.request_id = event.message.model, event.message.id
            self.usage = _usage(event.message.usage, self.usage)
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            self.parts.append(event.delta.text)
            self.size += len(event.delta.text)
            if self.size > MOST_TEXT:
                raise TooMuch
        elif event.type == "message_delta":
            self.stop_reason = event.delta.stop_reason or self.stop_reason
            self.usage = _usage(event.usage, self.usage)

    def whole(self, message: Message) -> None:
        """Read a message that came whole: first what it cost and whose it is, which holds whatever its text is.

        Raises:
            TooMuch: its text is longer than we take.
            ValueError: it does not say why it ended.
        """
        self.usage = _usage(message.usage, Usage())
        self.model, self.request_id = _name(message.model), _name(message.id)
        self.parts = [block.text for block in message.content if block.type == "text"]
        self.size = sum(map(len, self.parts))
        if self.size > MOST_TEXT:
            raise TooMuch
        if not message.stop_reason:
            raise ValueError("a whole message without a reason to stop")
        self.stop_reason = message.stop_reason

    @property
    def spent(self) -> Usage:
        """Tokens so far; those of a text that broke off, which the API counts at the end, by its length."""
        if self.stop_reason:
            return self.usage
        return replace(self.usage, output=max(self.usage.output, self.size // CHARACTERS))

    def answer(self) -> Answer:
        """The whole.

        Raises:
            VendorError: the model stopped before its end, or the stream did.
        """
        kind = _STOPPED.get(self.stop_reason) if self.stop_reason else VendorErrorKind.CONNECTION
        if kind:
            raise VendorError(kind, EXPLAINED[kind])
        return Answer(
            data=_parsed("".join(self.parts)),
            usage=self.usage,
            stop_reason=self.stop_reason,
            model=self.model,
            request_id=self.request_id,
            size=self.size,
        )


def _name(said: object) -> str:
    """An id or a model; what no row could hold is none."""
    return said if isinstance(said, str) and said.isprintable() else ""


def _parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _usage(said: Any, before: Usage) -> Usage:  # noqa: ANN401 - `Usage` and `MessageDeltaUsage` share only these names
    """Figures are cumulative; those that an event leaves out stay as they were."""

    def figure(name: str, known: int) -> int:
        value = getattr(said, name, None)
        tokens = known if value is None else int(value)
        if not 0 <= tokens <= MOST_TOKENS:
            raise ValueError(f"{name} is no number of tokens")
        return tokens

    return Usage(
        figure("input_tokens", before.input),
        figure("output_tokens", before.output),
        figure("cache_creation_input_tokens", before.cache_write),
        figure("cache_read_input_tokens", before.cache_read),
    )


class _Bounded(httpx2.AsyncBaseTransport):
    """A transport that gives up an answer which is longer than allowed, before it fills the memory."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, most: int) -> None:
        self._inner = inner
        self._most = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Counted(response.stream, self._most)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuch
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
