"""What services need of the fleet: a way to publish, without knowing Celery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.vocabulary import Phase, Queue


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """One header task of a chord: the analyzers of one run that travel together.

    Attributes:
        queue: where it runs.
        name: `AnalyzerRow.lane`.
    """

    queue: Queue
    name: str


class Pipeline(Protocol):
    """Publishes work. A message is a hint, the row decides: published twice or never, the reconciler mends it."""

    def publish(self, run_id: UUID, phase: Phase, lanes: Sequence[Lane]) -> bool:
        """Publish the chord of a phase, or the merge where the phase is MERGE.

        Returns:
            Whether the broker took it within its time; False is no error.
        """
