"""Addresses of brokers and result backends: one URL says everything, and each library gets what it understands.

================================================  =====================================================================
``redis://user:password@host:6379/0``             Redis, password and ACL user in the URL
``rediss://…?ssl_ca_certs=/ca.pem``               the same over TLS
``redis+socket:///path?virtual_host=0``           Redis on a Unix socket
``sentinel://…@h1:26379/0;sentinel://h2:26379/0   Redis behind Sentinels; credentials and database are the master's.
?master_name=main``                               Theirs: `sentinel_username`, `sentinel_password`. `tls=true`: over TLS
``amqp://user:password@host:5672/vhost``          RabbitMQ; ``amqps://`` over TLS
================================================  =====================================================================

Options of TLS, on each of them: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (paths), `ssl_check_hostname` (false) and
`ssl_cert_reqs` (required, optional, none).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kombu import Connection, Exchange
from kombu import Queue as KombuQueue

from app.vocabulary import Queue

if TYPE_CHECKING:
    from redis import Redis

#: Where RabbitMQ puts a message that was delivered too often, exchange and queue alike.
DEAD = "echosphere.dead"
#: Deliveries of one message on RabbitMQ. The row gives a step up after `max_attempts`; this ends what no row knows of.
DELIVERY_LIMIT = 20
#: Dead letters kept, for at most this many milliseconds. They hold ids only; the reconciler has long published anew.
DEAD_KEPT, DEAD_KEPT_MS = 10_000, 7 * 86_400_000
#: Seconds that a connection may take: publishing with the broker away is part of somebody's request.
CONNECT_S = 1.0
#: Seconds that RabbitMQ may take to confirm a message.
CONFIRM_S = 1.0

_REDIS = frozenset({"redis", "rediss", "redis+socket", "sentinel"})
_AMQP = frozenset({"amqp", "amqps"})
_CERT_REQS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
_YES = frozenset({"1", "true", "yes"})


class WrongAddress(ValueError):
    """A URL that cannot be used; the message says why and never holds the URL."""


class HighestFirst(tuple[int, ...]):
    """Priority steps for kombu's Redis transport such that 9 is taken first, as on RabbitMQ, and none means last.

    kombu files a message by `bisect` over the ascending steps and reads the lists in the order in which they are
    iterated; a message without a priority goes to step 0. In kombu's own order that would be the first one taken.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[int]:
        return reversed(self)


class WorkQueue(KombuQueue):  # type: ignore[misc]  # kombu's types are partial
    """A queue that brings the one for its dead letters: whoever declares it declares both."""

    def declare(self, nowait: bool = False, channel: Any = None) -> str:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        """Declare exchange, queue and binding, and those of the dead letters."""
        dead = dead_letters().bind(channel or self.channel)
        dead.declare()
        return str(super().declare(nowait=nowait, channel=channel))


@dataclass(frozen=True, slots=True)
class Address:
    """A broker or result backend.

    Attributes:
        scheme: as in the URL.
        url: what kombu and Celery take: without our options.
        tls: redis-py's names and values; None without TLS.
        options: of kombu's transport: `master_name`, `sentinel_kwargs`.
    """

    scheme: str
    url: str = field(repr=False)
    tls: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def amqp(self) -> bool:
        """Whether it is RabbitMQ."""
        return self.scheme in _AMQP

    @property
    def use_ssl(self) -> dict[str, Any] | None:
        """`broker_use_ssl` or `redis_backend_use_ssl`."""
        if self.tls is None or not self.amqp:
            return self.tls
        checked = self.tls.get("ssl_check_hostname", True)
        # None stands for the host of the URL; where no name is given at all, none is checked.
        named = {"server_hostname": None} if checked else {}
        names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs")
        return named | {name.removeprefix("ssl_"): self.tls[name] for name in names if name in self.tls}


def address(url: str) -> Address:
    """Read a URL; an empty one is of a fleet that was not started.

    Raises:
        WrongAddress: it is none of those above.
    """
    if not url:
        return Address("", "")
    chunks = [_split(chunk) for chunk in url.split(";")]
    schemes, options = {scheme for scheme, _, _ in chunks}, {k: v for _, _, query in chunks for k, v in query.items()}
    scheme = chunks[0][0]
    if len(schemes) > 1 or scheme not in _REDIS | _AMQP:
        raise WrongAddress(f"it begins with none of {', '.join(f'{name}://' for name in sorted(_REDIS | _AMQP))}")
    if len(chunks) > 1 and scheme != "sentinel":
        raise WrongAddress("only sentinel:// takes several addresses; write a `;` of a password as %3B")
    if scheme == "redis+socket":
        return Address(scheme, url)
    secured = scheme in {"rediss", "amqps"} or options.get("tls", "").lower() in _YES
    tls = _tls(options) if secured else None
    plain = ";".join(base for _, base, _ in chunks)
    return Address(scheme, plain, tls, _sentinels(options, tls) if scheme == "sentinel" else {})


def _split(chunk: str) -> tuple[str, str, dict[str, str]]:
    """Scheme, URL without its query, and the query."""
    base, _, query = chunk.strip().partition("?")
    try:
        parts = urlsplit(base)
        _ = parts.port
    except ValueError as error:
        raise WrongAddress("its port is no number; write `:`, `/`, `@` and `?` of a password as %..") from error
    return parts.scheme, base, dict(parse_qsl(query))


def _tls(options: dict[str, str]) -> dict[str, Any]:
    wanted = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if wanted not in _CERT_REQS:
        raise WrongAddress(f"ssl_cert_reqs is none of {', '.join(_CERT_REQS)}")
    found: dict[str, Any] = {"ssl_cert_reqs": _CERT_REQS[wanted]}
    found |= {name: options[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if options.get(name)}
    # ssl refuses to check a name where it checks no certificate.
    named = options.get("ssl_check_hostname", "true").lower() in _YES
    found["ssl_check_hostname"] = named and wanted != "none"
    return found


def _sentinels(options: dict[str, str], tls: dict[str, Any] | None) -> dict[str, Any]:
    if not options.get("master_name"):
        raise WrongAddress("sentinel:// needs ?master_name=, the name of the master that the Sentinels watch")
    kwargs: dict[str, Any] = {"socket_connect_timeout": CONNECT_S, "socket_timeout": CONNECT_S}
    for name in ("username", "password"):
        if value := options.get(f"sentinel_{name}"):
            kwargs[name] = value
    if tls is not None:
        kwargs |= {"ssl": True, **tls}
    return {"master_name": options["master_name"], "sentinel_kwargs": kwargs}


def result_address(broker_url: str, result_url: str) -> Address:
    """Where results are: the broker's own server unless another one is named.

    Raises:
        WrongAddress: RabbitMQ without a Redis for the results, or an address that is no Redis.
    """
    found = address(result_url or broker_url)
    if found.amqp:
        raise WrongAddress(
            "RabbitMQ keeps no results: set ECHO_RESULT_URL to a Redis (redis://, rediss:// or sentinel://), which "
            "counts the steps of each run"
        )
    return found


def connection(url: str) -> Connection:
    """A kombu connection to a broker, for a look at it."""
    found = address(url)
    options = {} if found.amqp else {"socket_connect_timeout": CONNECT_S, "socket_timeout": 2 * CONNECT_S}
    return Connection(
        found.url, connect_timeout=CONNECT_S, ssl=found.use_ssl or False, transport_options=found.options | options
    )


def redis_client(url: str, **options: Any) -> Redis:  # noqa: ANN401 - redis-py's own options
    """A redis-py client for any of the Redis addresses, for whoever has to look into Redis itself.

    Args:
        url: the broker's or the result backend's.
        options: of redis-py, such as `socket_timeout`.

    Raises:
        WrongAddress: it is no Redis.
    """
    import redis  # noqa: PLC0415 - few processes look into Redis themselves
    from redis.sentinel import Sentinel  # noqa: PLC0415 - as above

    found = address(url)
    if found.amqp:
        raise WrongAddress("this is RabbitMQ, and a Redis is asked for")
    options = {"socket_connect_timeout": CONNECT_S, **options}
    parts = urlsplit(found.url.split(";")[0])
    options |= {name: unquote(value) for name in ("username", "password") if (value := getattr(parts, name))}
    if found.scheme == "redis+socket":
        database = dict(parse_qsl(parts.query)).get("virtual_host", "0")
        return redis.Redis(unix_socket_path=unquote(parts.path), db=int(database), **options)
    options["db"] = int(parts.path.strip("/") or 0)
    if found.tls is not None:
        options |= {"ssl": True, **found.tls}
    if found.scheme == "sentinel":
        hosts = [(one.hostname or "127.0.0.1", one.port or 26379) for one in map(urlsplit, found.url.split(";"))]
        watchers: Any = Sentinel  # redis-py types neither its constructor nor what it gives
        made = watchers(hosts, sentinel_kwargs=found.options["sentinel_kwargs"], **options)
        client: Redis = made.master_for(found.options["master_name"])
        return client
    return redis.Redis(host=parts.hostname or "127.0.0.1", port=parts.port or 6379, **options)


def dead_letters() -> KombuQueue:
    """The queue of messages that RabbitMQ gave up."""
    arguments = {"x-queue-type": "quorum", "x-max-length": DEAD_KEPT, "x-message-ttl": DEAD_KEPT_MS}
    return KombuQueue(DEAD, Exchange(DEAD, type="fanout"), routing_key="", queue_arguments=arguments)


def work_queues(broker: Address) -> list[KombuQueue]:
    """One queue for each kind of work, as the broker needs it."""
    if not broker.amqp:
        exchange = Exchange("echosphere", type="direct")
        return [KombuQueue(str(queue), exchange, routing_key=str(queue)) for queue in Queue]
    # Celery binds the exchange of quorum queues to its own for delays, and warns of each that is a direct one.
    exchange = Exchange("echosphere", type="topic")
    arguments = {"x-queue-type": "quorum", "x-dead-letter-exchange": DEAD, "x-delivery-limit": DELIVERY_LIMIT}
    return [WorkQueue(str(queue), exchange, routing_key=str(queue), queue_arguments=arguments) for queue in Queue]
