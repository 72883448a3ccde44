"""Looking for a person's words where they may not be: in every table, queue, log and metric, in every usual form."""

from __future__ import annotations

import base64
import json
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from app.models import Base
from config.broker import redis_client
from tests.acceptance.conftest import Fleet


def forms(phrase: str) -> set[bytes]:
    """A phrase as it may be written: in itself, JSON, hexadecimal, a URL, UTF-16, and base64 at any of its offsets."""
    raw = phrase.encode()
    found = {raw, json.dumps(phrase)[1:-1].encode(), raw.hex().encode(), raw.hex().upper().encode()}
    found |= {quote(phrase).encode(), phrase.encode("utf-16-le"), repr(raw)[2:-1].encode()}
    for text in (raw, json.dumps(phrase)[1:-1].encode()):
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + text)
            # What neighbours have a part in is not the phrase's alone.
            inner = coded[4 if offset else 0 : len(coded) // 4 * 4 - 4]
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def everything(fleet: Fleet) -> Iterator[tuple[str, bytes]]:
    """All that is kept and shown, by where it is."""
    for table in sorted(Base.metadata.tables):
        for row in fleet.sql(f"SELECT held::text AS held FROM {table} AS held"):  # noqa: S608 - our own tables
            yield f"table {table}", row["held"].encode()
    for url in redis_urls(fleet):
        client = redis_client(url)
        for key in client.scan_iter(count=1000):
            yield "redis", key + repr(_value(client, key)).encode()
        client.close()
    for path in files(fleet):
        # It may have gone since it was listed.
        with suppress(FileNotFoundError):
            yield f"file {path.name}", path.read_bytes()
    address = f"http://127.0.0.1:{fleet.settings()['ECHO_WEB_PORT']}/metrics"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
        yield "metrics", answer.read()


def redis_urls(fleet: Fleet) -> list[str]:
    """Where the fleet's messages and results are, as far as that is Redis."""
    known = {**fleet.settings(), **fleet.environment}
    return [known[name] for name in ("ECHO_BROKER_URL", "ECHO_RESULT_URL") if not known[name].startswith("amqp")]


def files(fleet: Fleet) -> Iterator[Path]:
    """Logs, objects, and what brokers keep; PostgreSQL's own files are read as rows."""
    places = [fleet.home, *([fleet.rabbit.broker.place, fleet.rabbit.results.place] if fleet.rabbit else [])]
    for path in (path for place in places for path in place.rglob("*")):
        if path.is_file() and not {"postgres", "pg"} & set(path.parts):
            yield path


def leaks(fleet: Fleet, phrases: Iterable[str], passed: Iterable[bytes] = ()) -> list[tuple[str, str]]:
    """Where which phrase was found.

    Args:
        fleet: to be searched.
        phrases: sentences of the person.
        passed: what went through the broker meanwhile.
    """
    wanted = {form: phrase for phrase in phrases for form in forms(phrase)}
    places = [*everything(fleet), *(("message", one) for one in passed)]
    assert len(places) > 100
    return [(where, phrase) for where, held in places for form, phrase in wanted.items() if form in held]


@contextmanager
def overheard(fleet: Fleet) -> Iterator[list[bytes]]:
    """All commands that any client gives to the fleet's Redis until the end of the block: messages and results."""
    heard: list[bytes] = []
    # Databases of one server are heard together.
    client: Any = redis_client(redis_urls(fleet)[0])
    client.connection_pool.connection_kwargs["socket_timeout"] = None
    monitor = client.monitor()
    monitor.__enter__()

    def listen() -> None:
        try:
            for command in monitor.listen():
                heard.append(command["command"].encode())  # noqa: PERF401 - read while it goes on
        except (redis.RedisError, OSError, ValueError):
            return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        client.close()
        monitor.connection.disconnect()
        thread.join(5)


_READ: dict[bytes, Callable[[Any, bytes], Any]] = {
    b"string": lambda client, key: client.get(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"hash": lambda client, key: client.hgetall(key),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"stream": lambda client, key: client.xrange(key),
}


def _value(client: Any, key: bytes) -> Any:
    kind = client.type(key)
    # It may have gone since it was listed.
    return None if kind == b"none" else _READ[kind](client, key)
