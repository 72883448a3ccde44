"""Each kind of broker address against its real server, through our own Celery settings and real worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from config import broker
from config.checks import State, server_checks
from config.settings import Settings
from scripts.stores.rabbitmq import RabbitMQ
from scripts.stores.redis import RedisServer
from scripts.stores.server import MissingToolchain
from tests.broker_servers import Certificates, Watched, certificates, rabbitmq_and_redis, watched
from tests.servers import missing

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def tls(place: Path) -> Certificates:
    return certificates(place / "certificates")


@pytest.fixture(scope="module")
def redis_acl_tls(place: Path, tls: Certificates) -> Iterator[dict[str, str]]:
    own = RedisServer(place / "acl", user="echo", tls=tls.all)
    try:
        own.build()
    except MissingToolchain as error:
        missing(error)
    with own.running():
        yield {**own.settings()}


@pytest.fixture(scope="module")
def behind_sentinel(place: Path) -> Iterator[Watched]:
    try:
        with watched(place / "watched") as own:
            yield own
    except MissingToolchain as error:
        missing(error)


@pytest.fixture(scope="module")
def rabbitmq(place: Path, tls: Certificates) -> Iterator[tuple[RabbitMQ, dict[str, str]]]:
    try:
        with rabbitmq_and_redis(place / "rabbit", tls) as own:
            yield own
    except MissingToolchain as error:
        missing(error)


@pytest.fixture(params=["redis_acl_tls", "behind_sentinel", "rabbitmq"])
def servers(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The settings of each kind in turn."""
    found = request.getfixturevalue(request.param)
    if isinstance(found, Watched):
        return found.sentinel.settings()
    return found[1] if isinstance(found, tuple) else found


def environment(servers: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ECHO_")}
    return {**ours, **servers, "ECHO_HOME": "/nonexistent", "PYTHONPATH": str(ROOT)}


def ask(servers: Mapping[str, str], code: str) -> Any:
    """What Python code in a process of its own answers as JSON."""
    program = f"import json, time\nfrom tests.integration import broker_worker as ours\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(servers), cwd=ROOT, text=True, capture_output=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    return json.loads(done.stdout.splitlines()[-1])


SUM = "print(json.dumps(ours.sum_of_squares(6)))"
LOOK = "from app.tasks import inspect\nprint(json.dumps(inspect.{}()))"


@contextmanager
def working(servers: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of all queues, named as those of the control queue are."""
    command = [sys.executable, "-m", "celery", "-A", "tests.integration.broker_worker", "worker",
               "-c", "2", "-n", "control-1@here", "-Q", "text,control"]  # fmt: skip
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment(servers), cwd=ROOT, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_chord_runs_and_the_fleet_is_seen(servers: Mapping[str, str], tmp_path: Path) -> None:
    with working(servers, tmp_path / "worker.log"):
        assert ask(servers, SUM) == 55
        assert ask(servers, LOOK.format("workers"))["control"]["workers"] == 1
    log = (tmp_path / "worker.log").read_text()
    assert "Traceback" not in log
    for url in servers.values():
        assert broker.address(url).url.partition("@")[0].rpartition(":")[2] not in log


def test_depths_count_ordinary_and_urgent_messages_and_queues_that_nobody_declared(servers: Mapping[str, str]) -> None:
    put = (
        "from config.celery import URGENT\n[ours.note.delay(str(n)) for n in range(3)]\n"
        "ours.note.apply_async(['u'], **URGENT)\n"
    )
    before = ask(servers, LOOK.format("depths"))
    after = ask(servers, put + LOOK.format("depths"))
    assert {name: after[name] - before[name] for name in after} == {name: 4 * (name == "control") for name in after}
    order = [args[0][0] for args in _drain(servers["ECHO_BROKER_URL"], "control")]
    if servers["ECHO_BROKER_URL"].startswith("amqp"):
        # Quorum queues of 3.x know no priorities; from 4 on this would be as below.
        assert sorted(order) == ["0", "1", "2", "u"]
    else:
        assert order == ["u", "0", "1", "2"]


def _connection(url: str) -> Connection:
    from config.celery import URGENT

    found = broker.connection(url)
    if not url.startswith("amqp"):
        found.transport_options["priority_steps"] = broker.HighestFirst((0, URGENT["priority"]))
    return found


def _drain(url: str, queue: str) -> list[Any]:
    found = []
    with _connection(url) as connection:
        channel = connection.default_channel
        while (message := channel.basic_get(queue)) is not None:
            found.append(json.loads(message.body))
            channel.basic_ack(message.delivery_tag)
    return found


def test_every_kind_of_redis_is_reached_by_the_one_helper(
    redis_acl_tls: dict[str, str], behind_sentinel: Watched, place: Path, redis_server: Any
) -> None:
    for number, url in enumerate(
        (redis_acl_tls["ECHO_RESULT_URL"], behind_sentinel.sentinel.settings()["ECHO_RESULT_URL"], redis_server.url(1))
    ):
        client = broker.redis_client(url, socket_timeout=2)
        client.set("who", number, ex=5)
        assert client.get("who") == str(number).encode()
        assert client.connection_pool.connection_kwargs["db"] == 1
        client.close()


def test_a_user_may_work_and_not_administrate(redis_acl_tls: dict[str, str]) -> None:
    from redis.exceptions import NoPermissionError

    client = broker.redis_client(redis_acl_tls["ECHO_BROKER_URL"])
    for command in (["CONFIG", "GET", "*"], ["FLUSHALL"], ["ACL", "LIST"], ["SHUTDOWN"]):
        with pytest.raises(NoPermissionError):
            client.execute_command(*command)


@pytest.mark.parametrize("wrong", ["password", "authority", "server"])
@pytest.mark.parametrize("kind", ["redis_acl_tls", "rabbitmq"])
def test_a_wrong_password_or_authority_is_refused_and_told_without_the_address(
    request: pytest.FixtureRequest, kind: str, wrong: str, tmp_path: Path
) -> None:
    found = request.getfixturevalue(kind)
    good: str = (found[1] if isinstance(found, tuple) else found)["ECHO_BROKER_URL"]
    login, _, rest = good.partition("@")
    secret = login.rpartition(":")[2]
    url = {
        "password": good.replace(secret, "quizzaciously"),
        "authority": good.partition("?")[0] + f"?ssl_ca_certs={certificates(tmp_path).authority}",
        "server": good.replace(rest.partition("/")[0], "127.0.0.1:1"),
    }[wrong]
    results = request.getfixturevalue("redis_acl_tls")["ECHO_RESULT_URL"]

    def checked(url: str) -> Any:
        made = Settings(home=tmp_path, broker_url=url, result_url=results)
        return next(check for check in server_checks(made) if check.name == "broker")

    assert checked(good).state is State.OK
    refused = checked(url)
    assert refused.state is State.FAILED
    assert secret not in refused.detail
    assert "quizzaciously" not in refused.detail


def test_work_goes_on_after_a_failover_of_the_master(behind_sentinel: Watched, tmp_path: Path) -> None:
    servers = behind_sentinel.sentinel.settings()
    with working(servers, tmp_path / "worker.log"):
        assert ask(servers, SUM) == 55
        os.killpg(behind_sentinel.master_pid, signal.SIGKILL)
        asked = time.monotonic()
        client = broker.redis_client(servers["ECHO_BROKER_URL"], socket_timeout=1)
        while not _writable(client):
            assert time.monotonic() - asked < 30
        assert ask(servers, SUM) == 55


def _writable(client: Any) -> bool:
    from redis.exceptions import RedisError

    try:
        return bool(client.set("failover", 1, ex=5))
    except RedisError:
        time.sleep(0.1)
        return False


def test_a_message_that_is_never_done_ends_as_a_dead_letter(rabbitmq: tuple[RabbitMQ, dict[str, str]]) -> None:
    servers = rabbitmq[1]
    ask(servers, "ours.note.delay('poison')\nprint(1)")
    with broker.connection(servers["ECHO_BROKER_URL"]) as connection:
        channel, given = connection.default_channel, 0
        end = time.monotonic() + 30
        while channel.queue_declare(broker.DEAD, passive=True).message_count == 0:
            assert time.monotonic() < end
            if (message := channel.basic_get("control")) is not None:
                given += 1
                channel.basic_reject(message.delivery_tag, requeue=True)
        assert given == broker.DELIVERY_LIMIT + 1
        dead = channel.basic_get(broker.DEAD)
        assert json.loads(dead.body)[0] == ["poison"]
        channel.basic_ack(dead.delivery_tag)


PUBLISH = """
def took(begun):
    try:
        ours.note.delay("x")
        return ["taken", time.monotonic() - begun]
    except Exception as error:
        return [type(error).__name__, time.monotonic() - begun]
"""


def test_publishing_to_a_broker_that_is_away_or_hangs_ends_soon(rabbitmq: tuple[RabbitMQ, dict[str, str]]) -> None:
    own, servers = rabbitmq
    away = {**servers, "ECHO_BROKER_URL": "amqp://a:b@127.0.0.1:1/x"}
    said, took = ask(away, PUBLISH + "print(json.dumps(took(time.monotonic())))")
    assert said == "OperationalError"
    assert took < 2
    leader = int(subprocess.check_output(["pgrep", "-f", f"beam.*{own.place}"], text=True).split()[0])
    hang = (
        f"import os, signal\nours.note.delay('first')\nos.kill({leader}, signal.SIGSTOP)\n"
        f"try:\n    print(json.dumps(took(time.monotonic())))\nfinally:\n    os.kill({leader}, signal.SIGCONT)\n"
    )
    said, took = ask(servers, PUBLISH + hang)
    assert said != "taken"
    assert took < 5
