"""Header tasks: one lane of one run, on the queue of its modality. Decode, call the service, return ids."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded

from app.services.analyse import run_lane
from app.tasks.base import fleet_task
from app.vocabulary import Queue


def _run(run_id: str, lane: str) -> dict[str, Any]:
    return asdict(run_lane(UUID(run_id), lane, timeouts=(SoftTimeLimitExceeded,)))


@fleet_task(queue=Queue.TEXT, verb="lane", ignore_result=False)
def text(run_id: str, lane: str) -> dict[str, Any]:
    """Read, recognise and interpret text."""
    return _run(run_id, lane)


@fleet_task(queue=Queue.AUDIO, verb="lane", ignore_result=False)
def audio(run_id: str, lane: str) -> dict[str, Any]:
    """Listen to a recording."""
    return _run(run_id, lane)


@fleet_task(queue=Queue.GPU, verb="lane", ignore_result=False)
def gpu(run_id: str, lane: str) -> dict[str, Any]:
    """Run a local neural model."""
    return _run(run_id, lane)


@fleet_task(queue=Queue.LLM, verb="lane", ignore_result=False)
def llm(run_id: str, lane: str) -> dict[str, Any]:
    """Wait for a remote model."""
    return _run(run_id, lane)


#: The header task of each queue.
LANE_TASKS = {Queue.TEXT: text, Queue.AUDIO: audio, Queue.GPU: gpu, Queue.LLM: llm}
