"""Real brokers for tests: RabbitMQ over TLS, Redis with ACL and TLS or behind a Sentinel, and their certificates."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.stores.rabbitmq import RabbitMQ
from scripts.stores.redis import RedisServer
from scripts.stores.server import LocalServer, need


@dataclass(frozen=True)
class Certificates:
    """An authority of our own and a certificate for loopback that it signed."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        return self.authority, self.certificate, self.key


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificates(folder: Path) -> Certificates:
    """Make them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    now, keys = datetime.now(UTC), [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def signed(who: str, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, *, critical: bool) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(who))
            .issuer_name(_name("test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=critical)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        )
        return builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    loopback = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made.authority.write_bytes(
        signed("test authority", keys[0], x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    made.certificate.write_bytes(signed("localhost", keys[1], loopback, critical=False))
    made.key.write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


class Sentinel(LocalServer):
    """One Sentinel that decides alone."""

    name: ClassVar[str] = "sentinel"

    def __init__(self, place: Path, master: RedisServer) -> None:
        super().__init__(place)
        self.master = master

    def lacking(self) -> None:
        need("redis-server", package="redis-server")

    def prepare(self) -> None:
        (self.place / "sentinel.conf").write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self.place}\nrequirepass watcher\n"
            f"sentinel monitor main 127.0.0.1 {self.master.port} 1\nsentinel auth-pass main {self.master.password}\n"
            "sentinel down-after-milliseconds main 700\nsentinel failover-timeout main 3000\n"
        )

    def command(self) -> list[str]:
        return ["redis-server", str(self.place / "sentinel.conf"), "--sentinel"]

    def ready(self) -> bool:
        """Whether it knows the replica."""
        import redis

        client = redis.Redis(port=self.port, password="watcher")  # noqa: S106 - a test's own server
        try:
            state: Any = client.sentinel_master("main")
            return bool(state["num-slaves"])
        except redis.RedisError:
            return False
        finally:
            client.close()

    def settings(self) -> Mapping[str, str]:
        def url(database: int) -> str:
            return (
                f"sentinel://:{self.master.password}@127.0.0.1:{self.port}/{database}"
                "?master_name=main&sentinel_password=watcher"
            )

        return {"ECHO_BROKER_URL": url(0), "ECHO_RESULT_URL": url(1)}


@dataclass
class Watched:
    """A master, its replica and their Sentinel."""

    sentinel: Sentinel
    master_pid: int


@contextmanager
def watched(place: Path) -> Iterator[Watched]:
    """Redis behind a Sentinel."""
    master = RedisServer(place / "master", password="pass-word")  # noqa: S106 - a test's own server
    replica = RedisServer(place / "replica", password=master.password, replica_of=master.port)
    with ExitStack() as stack:
        pid = stack.enter_context(master.running())
        stack.enter_context(replica.running())
        sentinel = Sentinel(place / "sentinel", master)
        stack.enter_context(sentinel.running())
        yield Watched(sentinel, pid)


@contextmanager
def rabbitmq_and_redis(place: Path, tls: Certificates | None = None) -> Iterator[tuple[RabbitMQ, dict[str, str]]]:
    """RabbitMQ as broker with a Redis for the results, and the settings for them."""
    files = tls.all if tls else None
    broker, results = RabbitMQ(place / "rabbitmq", tls=files), RedisServer(place / "results", tls=files)
    broker.build()
    results.build()
    with results.running(), broker.running():
        yield broker, {**results.settings(), **broker.settings()}
