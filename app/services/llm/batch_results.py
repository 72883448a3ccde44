"""What comes back with a batch, answer by answer: recorded where it is wanted and allowed, entered in any case."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy import Connection

from app.analyzers.llm.port import PASSING, VendorError, VendorErrorKind
from app.asking import Answer, Request, Usage
from app.consent import ask as consented
from app.database import AnyRow
from app.errors import EchoError, Misconfigured, NotFound, Reason, Refusal
from app.services.failpoints import failpoint
from app.services.llm import batch_items as items
from app.services.llm import ledger, recordings, vendors
from app.services.llm.batch_doubts import call_of
from app.services.llm.waiting import REASONS
from app.services.planning import now
from app.vocabulary import ReasonCode

log = structlog.get_logger()

#: Batches that a question travels in before its step fails; each may take a day.
TRIES = 3
#: Seconds until a question that got no answer travels again; they double.
AGAIN_S = 60.0
#: Worth another batch. A question that the vendor cancelled while we want its answer is one.
AGAIN = PASSING | {VendorErrorKind.CANCELLED, VendorErrorKind.NOT_FOUND}
#: Kinds of answers that were given, and paid.
_PAID = frozenset(
    {VendorErrorKind.INVALID_ANSWER, VendorErrorKind.TOO_LARGE, VendorErrorKind.REFUSED, VendorErrorKind.CUT_OFF}
)


def failure(error: VendorError) -> Reason:
    """Why a question of a batch has no answer."""
    code = REASONS.get(error.kind, ReasonCode.VENDOR_UNAVAILABLE)
    return Reason(code, error.message, {"kind": str(error.kind)})


def as_error(reason: Reason) -> EchoError:
    """What `Context.ask` raises for a question that failed for good."""
    kind = reason.details.get("kind")
    if kind in {str(one) for one in VendorErrorKind} and VendorErrorKind(kind) not in AGAIN:
        return VendorError(VendorErrorKind(kind), reason.message)
    return Refusal(reason.code, reason.message, **reason.details)


class Results:
    """The results of one batch.

    Args:
        connection: outside of a transaction.
        batch: columns of `llm_batches`.
        wanted: its items.

    Attributes:
        answered: recorded so far.
    """

    def __init__(self, connection: Connection, batch: AnyRow, wanted: Sequence[AnyRow]) -> None:
        self._connection, self._batch = connection, batch
        self._wanted = {item.call_id: item for item in wanted}
        self._unread: VendorError | None = None
        self.answered = 0

    def take(self, custom_id: str, said: Answer | VendorError) -> bool:
        """`bulk.Take`: one result, any number of times."""
        call_id = call_of(custom_id)
        item = self._wanted.pop(call_id, None) if call_id is not None else None
        if item is not None:
            request = self._question(item)
            with self._connection.begin():
                over = self._entered(item, request, said)
            if over:
                items.forget(item)
        elif call_id is not None:
            with self._connection.begin():
                self._settle(call_id, said, "", str(VendorErrorKind.CANCELLED))
        else:
            why = "the vendor's batch has results that cannot be read"
            self._unread = VendorError(VendorErrorKind.INVALID_ANSWER, why)
        return True

    def unmentioned(self, error: VendorError | None = None) -> None:
        """Questions of which the vendor says nothing.

        Args:
            error: why the rest of the results cannot be had; what those cost is then not known.
        """
        self._unread = error or self._unread
        said = self._unread or VendorError(VendorErrorKind.SERVER, "the vendor's batch ended without this question")
        for call_id in [*self._wanted]:
            self.take(call_id.hex, said)
        with self._connection.begin():
            # Nor of those that nobody wants any more; whether they were paid is not known.
            cancelled = str(VendorErrorKind.CANCELLED)
            ledger.end_batched(self._connection, self._batch.batch_id, cancelled, None)

    def _question(self, item: AnyRow) -> Request | None:
        try:
            return items.question(item)
        except NotFound:
            return None

    def _entered(self, item: AnyRow, request: Request | None, said: Answer | VendorError) -> bool:
        """Enter a result; whether the item is over. Consent is asked first, before anything is locked."""
        connection = self._connection
        verdict = consented(connection, item.user_id, item.consent, {item.scope})[item.scope]
        if not verdict.is_valid or not items.hold(connection, item) or request is None:
            items.drop(connection, [item.item_id])
            self._settle(item.call_id, said, item.model, str(VendorErrorKind.CANCELLED))
            return True
        if isinstance(said, Answer):
            recordings.keep(items.vault_of(item), _recording(item, request, said))
            failpoint("batch.recorded")
            self._settle(item.call_id, said, item.model, ledger.ANSWERED)
            items.drop(connection, [item.item_id])
            self.answered += 1
            return True
        self._settle(item.call_id, said, item.model, str(said.kind))
        if said.kind in AGAIN:
            wait = AGAIN_S * 2**item.tries
            items.again(connection, item, seconds=wait, reason=failure(said), tries=TRIES)
            return bool(item.tries + 1 >= TRIES)
        items.fail(connection, [item.item_id], failure(said))
        return True

    def _settle(self, call_id: UUID, said: Answer | VendorError, asked: str, outcome: str) -> None:
        ended = ledger.Ended(
            outcome=outcome,
            usage=said.usage,
            model=said.model or asked,
            request_id=said.request_id,
            milliseconds=None,
        )
        ledger.settle_batched(self._connection, call_id, ended, self._cost(said, asked))

    def _cost(self, said: Answer | VendorError, asked: str) -> Decimal | None:
        """US dollars; None where nobody knows, which leaves the worst case standing."""
        if said.usage == Usage():
            paid = isinstance(said, Answer) or said.kind in _PAID or said is self._unread
            return None if paid else Decimal(0)
        try:
            return vendors.price(said.usage, asked, said.model or asked, bulk=True)
        except Misconfigured:
            return None  # the model went from the table while the vendor worked


def _recording(item: AnyRow, request: Request, answer: Answer) -> recordings.Recording:
    return recordings.Recording(
        run_id=item.run_id,
        analyzer=item.analyzer,
        model=item.model,
        asked_at=now(),
        request=request,
        answer=answer,
    )
