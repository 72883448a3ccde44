"""Claude's Message Batches: answers within a day for half the price, 100,000 questions or 256 MB a batch at most.

Results are fetched from the address of the batch itself and not from the `results_url` of its answer: the key and the
answers go where `ECHO_ANTHROPIC_BASE_URL` says, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import anthropic
import httpx2

# The SDK gives its decoder of JSON lines no public name; `batches.results` would follow `results_url`.
from anthropic._decoders.jsonl import AsyncJSONLDecoder
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse, MessageBatchResult

from app.analyzers.llm.anthropic_errors import EXPLAINED, of_type, vendor_error
from app.analyzers.llm.anthropic_vendor import Anthropic, Heard
from app.analyzers.llm.bulk import Batch, Take
from app.analyzers.llm.port import Answer, Request, VendorError, VendorErrorKind

T = TypeVar("T")

#: Bytes of all results of a batch, which has a few hundred questions.
MOST_BYTES = 64 * 2**20
#: Batches of a page, and how many are looked through.
PAGE, MOST_LISTED = 100, 500


class AnthropicBatches:
    """`Batches` of Claude.

    Args:
        api_key: of the account that pays.
        model: id as the vendor writes it.
        base_url: another address than the vendor's, for a proxy or a stub.
    """

    def __init__(self, *, api_key: str, model: str, base_url: str = "") -> None:
        self._one = Anthropic(api_key=api_key, model=model, base_url=base_url, most_bytes=MOST_BYTES)

    def create(self, questions: Sequence[tuple[str, Request]], deadline_s: float) -> Batch:
        """`Batches.create`."""

        async def call(client: anthropic.AsyncAnthropic) -> Batch:
            asked = [
                {"custom_id": ours, "params": {**self._one.asked(request), "max_tokens": request.max_output_tokens}}
                for ours, request in questions
            ]
            return _batch(await client.messages.batches.create(requests=asked))  # type: ignore[arg-type]  # our own dicts

        return self._run(call, deadline_s)

    def look(self, vendor_id: str, deadline_s: float) -> Batch:
        """`Batches.look`."""

        async def call(client: anthropic.AsyncAnthropic) -> Batch:
            return _batch(await client.messages.batches.retrieve(vendor_id))

        return self._run(call, deadline_s)

    def results(self, vendor_id: str, deadline_s: float, take: Take) -> None:
        """`Batches.results`."""
        ours: list[Exception] = []

        async def call(client: anthropic.AsyncAnthropic) -> None:
            path = f"/v1/messages/batches/{quote(vendor_id, safe='')}/results"
            lines = await client.get(path, cast_to=AsyncJSONLDecoder[MessageBatchIndividualResponse], stream=True)
            try:
                # Its own reading ends with the first line that is no JSON.
                async for line in _split(lines.http_response):
                    if not line.strip():
                        continue
                    custom_id, said = _read(line)
                    try:
                        if not take(custom_id, said):
                            return
                    except Exception as error:  # noqa: BLE001 - not the vendor's: raised below as it is
                        ours.append(error)
                        return
            finally:
                await lines.close()

        self._run(call, deadline_s)
        if ours:
            raise ours[0]

    def cancel(self, vendor_id: str, deadline_s: float) -> None:
        """`Batches.cancel`."""

        async def call(client: anthropic.AsyncAnthropic) -> None:
            await client.messages.batches.cancel(vendor_id)

        self._run(call, deadline_s)

    def delete(self, vendor_id: str, deadline_s: float) -> None:
        """`Batches.delete`."""

        async def call(client: anthropic.AsyncAnthropic) -> None:
            await client.messages.batches.delete(vendor_id)

        try:
            self._run(call, deadline_s)
        except VendorError as error:
            if error.kind is not VendorErrorKind.NOT_FOUND:
                raise

    def since(self, moment: datetime, deadline_s: float) -> list[Batch]:
        """`Batches.since`."""

        async def call(client: anthropic.AsyncAnthropic) -> list[Batch]:
            found: list[Batch] = []
            async for one in client.messages.batches.list(limit=PAGE):
                if (batch := _batch(one)).created_at < moment or len(found) >= MOST_LISTED:
                    break
                found.append(batch)
            return found

        return self._run(call, deadline_s)

    def _run(self, call: Callable[[anthropic.AsyncAnthropic], Awaitable[T]], deadline_s: float) -> T:
        async def classified(client: anthropic.AsyncAnthropic) -> T:
            try:
                return await call(client)
            except Exception as error:  # noqa: BLE001 - whatever it is becomes one of our kinds
                raise vendor_error(error) from None

        return self._one.run(classified, deadline_s, None)


def _batch(said: MessageBatch) -> Batch:
    """What the SDK read; it checks nothing, and what is not as agreed raises here."""
    counts = said.request_counts
    return Batch(
        vendor_id=str(said.id),
        ended=said.processing_status == "ended",
        questions=counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired,
        created_at=said.created_at.astimezone(),
    )


async def _split(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Lines, ended by a line feed alone: a text may hold other characters that end lines elsewhere."""
    begun: list[bytes] = []
    async for chunk in response.aiter_bytes():
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join([*begun, end])
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


def _read(line: bytes) -> tuple[str, Answer | VendorError]:
    """The id that we gave and what became of it; whatever is wrong with a line is of its question alone."""
    custom_id, heard = "", Heard()
    try:
        raw = json.loads(line)
        custom_id = str(raw["custom_id"])
        result = MessageBatchIndividualResponse.construct(**raw).result
        if result.type == "succeeded":
            heard.whole(result.message)
            return custom_id, heard.answer()
        kind = _kind(result)
        return custom_id, VendorError(kind, EXPLAINED[kind])
    except Exception as error:  # noqa: BLE001 - as above
        said = vendor_error(error)
        said.usage, said.model, said.request_id = heard.usage, heard.model, heard.request_id
        return custom_id, said


def _kind(result: MessageBatchResult) -> VendorErrorKind:
    if result.type == "errored":
        return of_type(result.error.error.type)
    known = {"canceled": VendorErrorKind.CANCELLED, "expired": VendorErrorKind.TIMEOUT}
    return known.get(result.type, VendorErrorKind.INVALID_ANSWER)
