"""What waits in the broker and what the result backend keeps, looked into to prove an erasure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from app.errors import StoreUnavailable
from app.services.erasing import Found, Messages
from app.tasks.app import celery

#: Keys of one server that are looked at; more than any window and all results of an hour hold.
MOST_KEYS = 500_000
#: Keys, and items of a list, fetched at once.
PAGE = 500
#: Results of tasks, and of the groups that chords wait for.
_RESULTS = b"celery-task*-meta-*"
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: A message's body travels in this form.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


class CeleryMessages:
    """`Messages` over Redis. RabbitMQ lets nobody read a queue without taking from it: its messages hold ids only."""

    def forget(self, run_ids: Sequence[UUID]) -> int:
        """See `Messages.forget`."""
        runs = {str(run_id).encode() for run_id in run_ids}
        removed = 0
        with _answering():
            client = _results()
            if client is None or not runs:
                return 0
            for key, values in _held(client, _RESULTS):
                if any(not runs.isdisjoint(_UUID.findall(value)) for value in values):
                    removed += int(client.delete(key))
        return removed

    def search(self, needles: Sequence[str]) -> list[Found]:
        """See `Messages.search`."""
        wanted = _bytes(needles)
        with _answering():
            found = [Found("results", len(needles), _found(_results(), wanted))]
            with celery().connection_for_read() as connection:
                redis = connection.transport.driver_type == "redis"
                client = connection.default_channel.client if redis else None
                found.append(Found("broker", len(needles) if redis else 0, _found(client, wanted)))
        return found


def messages() -> Messages:
    """Those of this process."""
    celery()
    return CeleryMessages()


@contextmanager
def _answering() -> Iterator[None]:
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - only where an erasure is carried out

    try:
        yield
    except (RedisError, OperationalError, OSError) as error:
        raise StoreUnavailable("the broker or the result backend does not answer: is it running?") from error


def _results() -> Any:  # noqa: ANN401 - a Redis client; celery has no types
    """The client of the result backend; None where it is no Redis."""
    return getattr(celery().backend, "client", None)


def _bytes(needles: Iterable[str]) -> list[bytes]:
    """Each text as UTF-8, and as JSON in ASCII writes it."""
    found: dict[bytes, None] = {}
    for needle in needles:
        found[needle.encode()] = None
        found[json.dumps(needle)[1:-1].encode()] = None
    return [*found]


def _found(client: Any, wanted: Sequence[bytes]) -> int:  # noqa: ANN401 - as above
    """Keys with a value that holds one of these."""
    if client is None or not wanted:
        return 0
    return sum(any(_holds(value, wanted) for value in values) for _, values in _held(client, b"*"))


def _holds(value: bytes, wanted: Sequence[bytes]) -> bool:
    if any(needle in value for needle in wanted):
        return True
    return any(needle in body for body in _bodies(value) for needle in wanted)


def _bodies(value: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(value):
        try:
            yield base64.b64decode(match.group(), validate=True)
        except ValueError:
            continue


def _held(client: Any, pattern: bytes) -> Iterator[tuple[bytes, Iterator[bytes]]]:  # noqa: ANN401 - as above
    """Keys with their values, whatever kind they are of; a key that goes meanwhile has none."""
    for count, key in enumerate(client.scan_iter(match=pattern, count=PAGE)):
        if count >= MOST_KEYS:
            return
        yield key, _values(client, key)


def _values(client: Any, key: bytes) -> Iterator[bytes]:  # noqa: ANN401 - as above
    kind = client.type(key)
    name = kind.decode() if isinstance(kind, bytes) else str(kind)
    if name == "string":
        yield from (_raw(value) for value in (client.get(key),) if value is not None)
    elif name == "list":
        start = 0
        while page := client.lrange(key, start, start + PAGE - 1):
            yield from map(_raw, page)
            start += PAGE
    elif name == "hash":
        yield from (_raw(part) for pair in client.hscan_iter(key, count=PAGE) for part in pair)
    elif name == "set":
        yield from map(_raw, client.sscan_iter(key, count=PAGE))
    elif name == "zset":
        yield from (_raw(member) for member, _ in client.zscan_iter(key, count=PAGE))


def _raw(value: Any) -> bytes:  # noqa: ANN401 - Redis clients differ in what they decode
    return value if isinstance(value, bytes) else str(value).encode()
