"""What a URL of broker or results means, and what is said of a wrong one."""

from __future__ import annotations

import os
import ssl
from bisect import bisect
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.cli import environment
from app.errors import Misconfigured
from config.broker import HighestFirst, WrongAddress, address, redis_client, result_address
from config.celery import URGENT, celery_settings
from config.settings import settings
from scripts.stores import __main__ as stores

SENTINELS = "sentinel://:pw@a:1/2;sentinel://b:2?master_name=main&tls=true&sentinel_password=other&ssl_ca_certs=/ca.pem"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("ECHO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ECHO_HOME", str(tmp_path))
    settings.cache_clear()


def conf(monkeypatch: pytest.MonkeyPatch, broker: str, results: str = "") -> dict[str, object]:
    monkeypatch.setenv("ECHO_BROKER_URL", broker)
    monkeypatch.setenv("ECHO_RESULT_URL", results)
    settings.cache_clear()
    try:
        return celery_settings()
    finally:
        settings.cache_clear()


@pytest.mark.parametrize(
    "url",
    [
        "quizzaciously",
        "http://quizzaciously@h",
        "redis://:quizza/ciously@h:x",
        "redis://quizzaciously@h;redis://i",
        "sentinel://:quizzaciously@h:26379/0",
        "rediss://:quizzaciously@h?ssl_cert_reqs=perhaps",
    ],
)
def test_a_wrong_address_is_told_and_never_shown(url: str) -> None:
    with pytest.raises(WrongAddress) as raised:
        address(url)
    assert "quizza" not in str(raised.value)
    assert len(str(raised.value)) > 20


def test_an_address_shows_no_password() -> None:
    assert "pw" not in repr(address("amqp://u:pw@h/v"))
    assert "other" not in repr(address(SENTINELS))


def test_tls_is_checked_unless_somebody_says_otherwise() -> None:
    found = address("rediss://:pw@h:6380/0?ssl_ca_certs=/ca.pem")
    assert found.url == "rediss://:pw@h:6380/0"
    assert found.use_ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/ca.pem", "ssl_check_hostname": True}
    assert address("amqps://h/v?ssl_ca_certs=/ca.pem").use_ssl == {
        "server_hostname": None, "ca_certs": "/ca.pem", "cert_reqs": ssl.CERT_REQUIRED,
    }  # fmt: skip
    assert address("redis://h").use_ssl is None


def test_sentinels_and_their_master_are_told_apart() -> None:
    found = address(SENTINELS)
    assert found.url == "sentinel://:pw@a:1/2;sentinel://b:2"
    assert found.options["master_name"] == "main"
    assert found.options["sentinel_kwargs"]["password"] == "other"  # noqa: S105 - the test's own
    assert found.options["sentinel_kwargs"]["ssl_ca_certs"] == "/ca.pem"
    assert redis_client(SENTINELS).connection_pool.connection_kwargs["password"] == "pw"  # noqa: S105 - as above


def test_rabbitmq_needs_a_redis_for_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongAddress, match="ECHO_RESULT_URL"):
        result_address("amqp://h", "")
    with pytest.raises(WrongAddress, match="ECHO_RESULT_URL"):
        conf(monkeypatch, "amqp://h", "amqp://h")
    monkeypatch.setenv("ECHO_BROKER_URL", "amqp://u:quizzaciously@h")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="ECHO_RESULT_URL") as raised:
        environment.usable_addresses()
    assert "quizzaciously" not in str(raised.value)


def test_rabbitmq_gets_quorum_queues_confirms_and_dead_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    found = conf(monkeypatch, "amqp://u:p@h/v", "redis://r")
    assert found["broker_transport_options"] == {"confirm_publish": True}
    for queue in found["task_queues"]:  # type: ignore[attr-defined]
        assert queue.queue_arguments["x-queue-type"] == "quorum"
        assert queue.queue_arguments["x-dead-letter-exchange"]
        assert queue.queue_arguments["x-delivery-limit"] > settings().max_attempts
    assert found["task_create_missing_queues"] is False


def test_an_urgent_message_is_read_first_and_one_without_priority_last() -> None:
    steps = HighestFirst((0, URGENT["priority"]))
    assert [*steps] == [URGENT["priority"], 0]
    assert [steps[bisect(steps, priority) - 1] for priority in (0, 5, URGENT["priority"])] == [0, 0, 9]


def test_what_is_no_setting_reaches_the_environment_from_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.env").write_text(
        "AWS_SECRET_ACCESS_KEY=from-file\nAWS_REGION=from-file\nECHO_TEXT_CONCURRENCY=3\nECHO_WEB_PORT=8123\nPATH=/evil\n"
    )
    for name in ("AWS_SECRET_ACCESS_KEY", "ECHO_TEXT_CONCURRENCY"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "from-environment")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECHO_ENV_FILE", "own.env")
    environment.adopt()
    given = environment.for_processes(tmp_path)
    assert given["ECHO_ENV_FILE"] == str(tmp_path / "own.env")
    assert (given["AWS_SECRET_ACCESS_KEY"], given["AWS_REGION"]) == ("from-file", "from-environment")
    assert given["ECHO_TEXT_CONCURRENCY"] == "3"
    assert "/evil" not in given["PATH"]


def test_an_env_file_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_ENV_FILE", str(tmp_path / "none.env"))
    with pytest.raises(Misconfigured, match=r"none\.env"):
        environment.adopt()


@pytest.mark.parametrize("value", ["amqp://u:p@h:1/v", "a b#c", "it's", 'say "x"', "back\\slash", '{"*": 1}', ""])
def test_what_make_stores_writes_is_read_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in ("PLACE", "ENVIRONMENT", "STATE"):
        monkeypatch.setattr(stores, name, tmp_path / getattr(stores, name).name)
    stores.write(
        {"redis": stores.Running(1, 2, {"ECHO_X": value}), "rabbitmq": stores.Running(1, 0, {"ECHO_Y": "off"})}
    )
    assert dotenv_values(tmp_path / "stores.env") == {"ECHO_X": value}
    assert (tmp_path / "stores.env").stat().st_mode & 0o077 == 0
    assert stores.read()["redis"].settings == {"ECHO_X": value}
