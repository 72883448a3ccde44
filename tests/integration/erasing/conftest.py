"""Erasures over real servers: what is carried out here is what the control queue's task carries out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.cli.embedded import Redis
from app.services import erasing
from app.services.erasing import Messages

ROOT = Path(__file__).resolve().parents[3]
CARRY_ON = """
import sys
from uuid import UUID
from app.services import erasing
from app.tasks.messages import messages
sys.exit(0 if erasing.run(UUID(sys.argv[1]), messages()) else 3)
"""


@pytest.fixture
def messages(redis_server: Redis) -> Messages:
    from app.tasks.messages import messages

    return messages()


@pytest.fixture
def carried_out(messages: Messages) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Carries an erasure out and gives it back with its receipt."""

    def carry_out(erasure: dict[str, Any]) -> dict[str, Any]:
        assert erasing.run(UUID(erasure["erasureID"]), messages)
        done = erasing.one(erasure["userID"], UUID(erasure["erasureID"]))
        assert done["state"] == "done"
        return done

    return carry_out


@pytest.fixture
def elsewhere(redis_server: Redis) -> Callable[..., int]:
    """Carries an erasure on in a process of its own; its exit status, negative where a signal ended it."""

    def run(erasure_id: str, **environment: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", CARRY_ON, erasure_id],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.returncode

    return run
