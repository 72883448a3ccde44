"""The compose file by the essentials of its specification: nothing open, nothing by default, nothing unpinned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.vocabulary import Queue
from config.settings import Settings

DEPLOY = Path(__file__).resolve().parent.parent.parent.parent / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def test_every_part_of_the_system_is_a_service(compose: dict[str, Any]) -> None:
    workers = {f"worker-{queue}" for queue in Queue}
    servers = {"postgres", "redis", "rabbitmq", "mongo", "neo4j"}
    assert set(compose["services"]) == servers | workers | {"web", "beat", "flower", "release"}
    for queue in Queue:
        assert compose["services"][f"worker-{queue}"]["command"] == ["celery", "-A", f"workers.{queue}", "worker"]


def test_images_are_pinned_to_a_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.fullmatch(r"[a-z0-9/]+:\d+\.\d+[\w.-]*", service["image"]), name
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_everything_that_stays_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "release":
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_what_is_depended_on_exists_and_can_become_healthy(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, wanted in service.get("depends_on", {}).items():
            other = compose["services"][name]
            assert "healthcheck" in other or wanted["condition"] == "service_completed_successfully"


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:5555:5555", "127.0.0.1:8000:8000"]


def test_every_secret_comes_from_a_file_and_is_declared(compose: dict[str, Any]) -> None:
    fields = {f"ECHO_{name.upper()}" for name in Settings.model_fields}
    used = set()
    for name, service in compose["services"].items():
        used |= set(service.get("secrets", []))
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|AUTH$|_KEY|URL", variable):
                assert variable.endswith("_FILE"), (name, variable)
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], (name, variable)
            if variable.startswith("ECHO_"):
                assert variable.removesuffix("_FILE") in fields, variable
    assert used == set(compose["secrets"])
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())


def test_volumes_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in compose["volumes"]
