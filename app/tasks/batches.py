"""Batches of questions: whether there is anything to carry is looked up where that costs nothing."""

from __future__ import annotations

from app.services.llm import batches
from app.tasks.base import fleet_task
from app.vocabulary import Queue
from config.settings import settings


@fleet_task(queue=Queue.LLM, verb="batches")
def carry() -> None:
    """Carry questions to vendors and answers back, where the vendors' libraries are."""
    batches.tick()


@fleet_task(queue=Queue.MAINTENANCE, verb="batches")
def look() -> None:
    """Let a worker of the llm queue carry, if there is anything: a queue that nobody serves may not fill up."""
    if batches.pending():
        carry.apply_async(expires=2 * settings().llm_batch_tick_s)
