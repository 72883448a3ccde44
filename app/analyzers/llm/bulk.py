"""Questions in bulk: what a vendor that takes batches must be able to do. Half the price, within a day.

An adapter module beside the vendor's own implements it; no vendor's library is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.analyzers.llm.port import VendorError
from app.asking import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as the vendor shows it.

    Attributes:
        vendor_id: the vendor's id.
        ended: whether there is nothing more to wait for.
        questions: how many are in it.
        created_at: by the vendor's clock.
    """

    vendor_id: str
    ended: bool
    questions: int
    created_at: datetime


#: Takes the id that we gave a question and what became of it; says whether to go on. Without an id, nobody can tell
#: which question it is about.
Take = Callable[[str, Answer | VendorError], bool]


class Batches(Protocol):
    """A vendor's batches. Every method raises `VendorError` where the vendor gives no answer within the deadline."""

    def create(self, questions: Sequence[tuple[str, Request]], deadline_s: float) -> Batch:
        """Hand questions over, each with an id of ours.

        After a `VendorError` that may pass (other than rate limits and overload) nobody knows whether there is a batch.
        """

    def look(self, vendor_id: str, deadline_s: float) -> Batch:
        """How far it is."""

    def results(self, vendor_id: str, deadline_s: float, take: Take) -> None:
        """Stream what became of the questions of a batch that has ended, in any order, one in memory at a time.

        What is wrong with one of them is handed over as its `VendorError`, and ends nothing.

        Args:
            vendor_id: of the batch.
            deadline_s: for all of it, what `take` needs included.
            take: called with each; what it raises passes through.
        """

    def cancel(self, vendor_id: str, deadline_s: float) -> None:
        """Ask the vendor to stop; questions that it has begun are answered all the same."""

    def delete(self, vendor_id: str, deadline_s: float) -> None:
        """Remove the vendor's copy of questions and answers; one that is gone already is no error."""

    def since(self, moment: datetime, deadline_s: float) -> list[Batch]:
        """Batches of the account that were created since then, newest first."""
