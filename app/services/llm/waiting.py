"""What becomes of a step whose vendor gave no answer: put off, by its row, or ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import uniform

from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.database import AnyRow
from app.errors import EchoError, Reason
from app.services.llm import ledger
from app.services.planning import now
from app.services.results import Outcome
from app.vocabulary import ReasonCode, StepStatus
from config.settings import settings

#: Seconds before the second try, where the vendor does not say; it doubles with each.
FIRST_S = 10.0
#: Seconds, whatever the vendor says.
MOST_S = 3600.0
#: Seconds of a put off step in all.
PATIENCE_S = 86_400.0
#: Seconds that a step waits for a batch, which the vendor ends after a day whatever became of it.
BULK_PATIENCE_S = ledger.BATCH_S
#: What is said when that is over.
UNCARRIED = "no batch brought an answer in time: see that a worker of the llm queue runs, and analyse again"
#: Reason by kind, for those that do not pass.
REASONS = {
    VendorErrorKind.REFUSED: ReasonCode.VENDOR_REFUSED,
    VendorErrorKind.CUT_OFF: ReasonCode.INVALID_ANSWER,
    VendorErrorKind.INVALID_ANSWER: ReasonCode.INVALID_ANSWER,
    VendorErrorKind.TOO_LARGE: ReasonCode.LIMIT_EXCEEDED,
}


class NotNow(EchoError):
    """A question that was not asked, since it may not be asked now: no try of the vendor's.

    Args:
        message: why.
        until: when it may be; soon where that is not known.
    """

    status, code = 503, "not_now"

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class InBatch(NotNow):
    """A question that travels with the next batch: its step is woken when all its questions have answers."""

    def __init__(self) -> None:
        super().__init__("the question travels in a batch, at half the price: vendors answer these within a day")


def unanswered(step: AnyRow, error: VendorError | NotNow) -> Outcome:
    """The outcome of a step whose question got no answer.

    Args:
        step: columns of `steps`.
        error: why.
    """
    if isinstance(error, VendorError) and not error.passing:
        if error.kind is VendorErrorKind.CANCELLED:
            return Outcome(step, StepStatus.CANCELLED)
        code = REASONS.get(error.kind, ReasonCode.VENDOR_UNAVAILABLE)
        return Outcome(step, StepStatus.FAILED, Reason(code, error.message, {"kind": str(error.kind)}))
    bulk = isinstance(error, InBatch)
    waits = step.waits + isinstance(error, VendorError)
    kind = str(error.kind) if isinstance(error, VendorError) else "batch" if bulk else "not_now"
    since = step.waiting_since or now()
    details = {"kind": kind, "tries": waits}
    patience = timedelta(seconds=BULK_PATIENCE_S if bulk else PATIENCE_S)
    if waits >= settings().llm_tries or now() - since > patience:
        why = UNCARRIED if bulk else error.message
        return Outcome(step, StepStatus.FAILED, Reason(ReasonCode.VENDOR_UNAVAILABLE, why, details))
    reason = Reason(ReasonCode.VENDOR_UNAVAILABLE, error.message, details)
    # A step in a batch wakes by itself only to find that its patience is over.
    when = since + patience + timedelta(seconds=FIRST_S) if bulk else _when(error, waits)
    return Outcome(step, StepStatus.PENDING, reason, not_before=when, waits=waits)


def _when(error: VendorError | NotNow, waits: int) -> datetime:
    """Never before the vendor's own word, and not everybody at the same moment."""
    if isinstance(error, NotNow):
        wait = max(0.0, (error.until - now()).total_seconds()) if error.until else 0.0
        wait = min(wait, MOST_S) + uniform(0, FIRST_S)  # noqa: S311 - spreads tries, guards nothing
    elif error.retry_after_s is not None:
        asked = min(error.retry_after_s, MOST_S)
        wait = min(MOST_S, asked + uniform(0, max(FIRST_S, asked / 10)))  # noqa: S311 - as above
    else:
        wait = FIRST_S * 2 ** max(waits - 1, 0) * uniform(0.75, 1.25)  # noqa: S311 - as above
    return now() + timedelta(seconds=wait)
