from __future__ import annotations

from pathlib import Path

import pytest

from app.tasks.lanes import LANE_TASKS
from app.vocabulary import Queue
from config import celery as fleet
from config.settings import load


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("ECHO_BROKER_URL", "redis://localhost:1/0")
    fleet.settings.cache_clear()
    try:
        return fleet.celery_settings()
    finally:
        fleet.settings.cache_clear()


def test_a_message_outlives_the_longest_task_twice() -> None:
    longest = max(hard for _, hard in fleet.LIMITS.values())
    assert longest * 2 < fleet.VISIBILITY_TIMEOUT_S


def test_late_acknowledgement_json_only_and_no_missing_queue(conf: dict[str, object]) -> None:
    assert conf["task_acks_late"] is True
    assert conf["task_reject_on_worker_lost"] is True
    assert conf["worker_prefetch_multiplier"] == 1
    assert conf["accept_content"] == ["json"]
    assert conf["task_create_missing_queues"] is False
    assert conf["task_routes"]["gpu.*"] == {"queue": "gpu"}  # type: ignore[index]
    assert {queue.name for queue in conf["task_queues"]} == {str(queue) for queue in Queue}  # type: ignore[attr-defined]


@pytest.mark.parametrize("queue", list(LANE_TASKS))
def test_a_lane_task_keeps_its_result_for_the_chord_and_has_its_queues_limits(queue: Queue) -> None:
    task = LANE_TASKS[queue]
    assert task.name == f"{queue}.lane"
    assert task.ignore_result is False
    assert (task.soft_time_limit, task.time_limit) == fleet.LIMITS.get(queue, (None, None))


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_JWT_SECRET", "quizzaciously-secret")
    assert "quizzaciously" not in repr(load())


def test_the_env_file_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "extra.env").write_text("ECHO_WEB_PORT=8123\nECHO_FLOWER_PORT=5999\n")
    monkeypatch.setenv("ECHO_ENV_FILE", str(tmp_path / "extra.env"))
    monkeypatch.setenv("ECHO_FLOWER_PORT", "5777")
    assert (load().web_port, load().flower_port) == (8123, 5777)
