"""Batches: what bulk runs put down is carried to the vendor at half the price, and the answers are carried back.

One process at a time does it (an advisory lock, which dies with the process). It first asks consent, opens the
questions, asks consent once more together with the budgets, and enters every question in the ledger with its worst
case; then the batch is a row, then a request. What comes back becomes recordings, one transaction each: consent,
whether the run still wants it, recording, ledger. Steps are woken by what their rows say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, delete, insert, select, text, update

from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.asking import Request
from app.consent import ask as consented
from app.database import AnyRow, engine, stable_id
from app.errors import Misconfigured, NotFound, Reason
from app.models import LlmBatch
from app.services.failpoints import failpoint
from app.services.llm import batch_items as items
from app.services.llm import breaker, ledger, vendors
from app.services.llm.batch_doubts import resolve
from app.services.llm.batch_results import TRIES, Results, failure
from app.services.planning import now
from app.vault import VaultError
from app.vocabulary import ReasonCode
from config.settings import settings

if TYPE_CHECKING:
    from app.analyzers.llm.bulk import Batches

log = structlog.get_logger()

#: Of one batch. The vendor takes far more; this is what one worker holds in memory.
MOST_QUESTIONS, MOST_BYTES = 200, 32 * 2**20
#: Batches handed over, and looked after, in one tick.
MOST_BATCHES, MOST_LOOKS = 10, 50
#: Seconds between two looks at a batch: a tenth of its age, within these.
LOOK_S = (30.0, 300.0)
#: Seconds that a question stays behind for which there is no room in a budget, or no vendor.
LATER_S = 300.0
#: What the vendor says no to for certain. After any other trouble there may be a batch.
NOT_TAKEN = frozenset(
    {
        VendorErrorKind.RATE_LIMITED,
        VendorErrorKind.OVERLOADED,
        VendorErrorKind.AUTH,
        VendorErrorKind.NOT_FOUND,
        VendorErrorKind.TOO_LARGE,
        VendorErrorKind.INVALID_REQUEST,
    }
)
#: Of these, what lies in the questions.
_OURS = frozenset({VendorErrorKind.TOO_LARGE, VendorErrorKind.INVALID_REQUEST})


def pending() -> bool:
    """Whether there is anything to do for `tick`."""
    with engine().connect() as connection, connection.begin():
        return items.due(connection)


def tick() -> dict[str, int]:
    """Carry questions and answers as far as they go now; any number of times, anywhere.

    Returns:
        Counts of what was done; empty where somebody else is at it.
    """
    with _alone() as connection:
        if connection is None:
            return {}
        done = {"dropped": items.drop_unwanted(connection)}
        carrier = _Carrier(connection)
        try:
            carrier.carry()
        except VendorError as error:
            carrier.trouble(error)
        return {**done, **carrier.done, "woken": items.wake(connection)}


@contextmanager
def _alone() -> Iterator[Connection | None]:
    key = {"key": stable_id("llm-batches").int >> 65}
    with engine().connect() as connection:
        with connection.begin():
            mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
        try:
            yield connection if mine else None
            if mine:
                with connection.begin():
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        except BaseException:
            # Whatever state the connection is in, closing it frees the lock.
            connection.invalidate()
            raise


@dataclass(frozen=True, slots=True)
class _Opened:
    """A question that is about to travel."""

    item: AnyRow
    request: Request = field(repr=False)


class _Carrier:
    """One tick's way to the vendor and back.

    Args:
        connection: that holds the lock.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._vendor = "anthropic"
        self._digest = vendors.key_digest()
        self._began = now()
        self.done = {"sent": 0, "answered": 0}

    @property
    def _deadline(self) -> float:
        return settings().llm_deadline_s

    def carry(self) -> None:
        """Everything there is for the vendor.

        Raises:
            VendorError: the vendor gave no answer; the rest is left to the next tick.
        """
        rows, ripe = self._batches(), self._ripe()
        if not rows and not ripe:
            return
        if not settings().anthropic_api_key.get_secret_value():
            log.warning("llm_batches_wait", kind="no_key", why="ECHO_ANTHROPIC_API_KEY is not set")
            return
        with self._connection.begin():
            until = breaker.admitted(self._connection, self._vendor, self._digest)
        if until is not None:
            return
        api = vendors.batches()
        for row in rows:
            try:
                self._look_after(api, row)
            except (VendorError, VaultError) as error:
                # It goes behind the others, so that one which fails at every look stops none of them.
                self._change(row.batch_id, poll_at=now() + timedelta(seconds=LOOK_S[1]))
                if isinstance(error, VaultError):
                    log.warning("llm_batches_wait", kind="vault", why=error.message, batch=str(row.batch_id))
                elif _general(error):
                    raise
                else:
                    self.trouble(error)
        for _ in range(MOST_BATCHES):
            if not ripe or not self._hand_over(api, ripe):
                break
            ripe = self._ripe()

    def trouble(self, error: VendorError) -> None:
        """Say what kind it was, and let everybody who asks the same vendor know."""
        log.warning("llm_batches_wait", kind=str(error.kind), why=error.message)
        if error.passing:
            with self._connection.begin():
                breaker.failed(self._connection, self._vendor, self._digest, error.retry_after_s, self._began)

    def _batches(self) -> Sequence[AnyRow]:
        due = select(LlmBatch.__table__).where(LlmBatch.poll_at <= now()).order_by(LlmBatch.poll_at).limit(MOST_LOOKS)
        with self._connection.begin():
            return self._connection.execute(due).all()

    def _ripe(self) -> Sequence[AnyRow]:
        """Questions for one batch, once they are many or have waited for others long enough."""
        found = items.waiting(self._connection, MOST_QUESTIONS, MOST_BYTES)
        since = now() - timedelta(seconds=settings().llm_batch_gather_s)
        many = len(found) >= MOST_QUESTIONS or any(one.created_at <= since for one in found)
        return found if many or (found and found[0].reason) else ()

    def _look_after(self, api: Batches, row: AnyRow) -> None:
        """Bring a batch one step further.

        Raises:
            VendorError: the vendor gave no answer.
        """
        self._began = now()
        if row.state == "creating":
            self._doubtful(api, row)
        elif row.state == "settled":
            self._remove(api, row)
        else:
            self._watch(api, row)

    def _doubtful(self, api: Batches, row: AnyRow) -> None:
        """Whoever handed it over died, or got no answer."""
        found = resolve(self._connection, api, row, self._deadline)
        if isinstance(found, str):
            self._change(row.batch_id, vendor_id=found, state="open", poll_at=now())
        elif isinstance(found, datetime):
            self._change(row.batch_id, poll_at=found)
        else:
            log.warning("llm_batch_never_created", batch=str(row.batch_id), questions=row.questions)
            self._release(row.batch_id, None, seconds=0)

    def _watch(self, api: Batches, row: AnyRow) -> None:
        wanted = self._still_allowed(items.of_batch(self._connection, row.batch_id))
        try:
            seen = api.look(row.vendor_id, self._deadline)
        except VendorError as error:
            if error.kind is not VendorErrorKind.NOT_FOUND:
                raise
            # Gone there: what it cost is not known, and stays in the ledger with its worst case.
            log.warning("llm_batch_gone", batch=str(row.batch_id))
            self._release(row.batch_id, failure(error), gone=True)
            return
        self._heard()
        if seen.ended:
            self._enter(api, row, wanted)
            self._change(row.batch_id, state="settled", poll_at=now())
            self._remove(api, row)
        elif not wanted and row.state == "open":
            api.cancel(row.vendor_id, self._deadline)
            self._change(row.batch_id, state="cancelling", poll_at=now() + timedelta(seconds=LOOK_S[0]))
        else:
            least, most = LOOK_S
            wait = min(max(least, (now() - row.created_at).total_seconds() / 10), most)
            self._change(row.batch_id, poll_at=now() + timedelta(seconds=wait))

    def _enter(self, api: Batches, row: AnyRow, wanted: Sequence[AnyRow]) -> None:
        """Enter the results of a batch that has ended; questions whose results cannot be had end with the reason."""
        results, failed = Results(self._connection, row, wanted), None
        self._began = now()
        try:
            api.results(row.vendor_id, self._deadline * 2, results.take)
        except VendorError as error:
            if _general(error):
                raise
            log.warning("llm_batch_unreadable", batch=str(row.batch_id), kind=str(error.kind))
            failed = error
        results.unmentioned(failed)
        self.done["answered"] += results.answered

    def _remove(self, api: Batches, row: AnyRow) -> None:
        api.delete(row.vendor_id, self._deadline)
        failpoint("batch.deleted")
        self._delete(row.batch_id)

    def _hand_over(self, api: Batches, found: Sequence[AnyRow]) -> bool:
        """Make a batch of questions; whether there was one to make.

        Raises:
            VendorError: the vendor did not take it, or did not say so.
        """
        opened = [one for item in self._still_allowed(found) if (one := self._open(item)) is not None]
        batch_id = uuid4()
        row = {"batch_id": batch_id, "vendor": self._vendor, "state": "creating", "questions": 0, "poll_at": now()}
        with self._connection.begin():
            self._connection.execute(insert(LlmBatch), row)
        sent = [(call_id, one.request) for call_id, one in self._reserved(batch_id, opened)]
        if not sent:
            self._delete(batch_id)
            return False
        self._change(batch_id, questions=len(sent), created_at=now())
        failpoint("batch.creating")
        self._began = now()
        try:
            made = api.create([(call_id.hex, request) for call_id, request in sent], self._deadline)
        except VendorError as error:
            if error.kind in NOT_TAKEN:
                self._release(batch_id, failure(error) if error.kind in _OURS else None)
            raise
        failpoint("batch.created")
        self._change(batch_id, vendor_id=made.vendor_id, state="open", poll_at=now() + timedelta(seconds=LOOK_S[0]))
        self._heard()
        self.done["sent"] += len(sent)
        log.info("llm_batch_sent", batch=str(batch_id), questions=len(sent))
        return True

    def _still_allowed(self, found: Sequence[AnyRow]) -> list[AnyRow]:
        """Items whose consent covers the vendor now; the others go, and their steps say so when they are woken."""
        allowed = []
        for user_id, consent, group in _by_consent(found):
            with self._connection.begin():
                verdicts = consented(self._connection, user_id, consent, {one.scope for one in group}, relaxed=True)
                refused = [one for one in group if not verdicts[one.scope].is_valid]
                items.drop(self._connection, [one.item_id for one in refused])
            for one in refused:
                items.forget(one)
            allowed += [one for one in group if verdicts[one.scope].is_valid]
        return allowed

    def _open(self, item: AnyRow) -> _Opened | None:
        """The question of an item; without its words it goes, and its step asks anew."""
        try:
            return _Opened(item, items.question(item))
        except NotFound:
            with self._connection.begin():
                items.drop(self._connection, [item.item_id])
        except VaultError as error:
            with self._connection.begin():
                items.fail(self._connection, [item.item_id], Reason(ReasonCode.CORRUPT, error.message))
        return None

    def _reserved(self, batch_id: UUID, opened: Sequence[_Opened]) -> list[tuple[UUID, _Opened]]:
        """Those that consent still covers and budgets have room for, entered in the ledger: (id of its call, it)."""
        model, by_item = settings().anthropic_model, {one.item.item_id: one for one in opened}
        reserved: list[tuple[UUID, _Opened]] = []
        for user_id, consent, group in _by_consent([one.item for one in opened]):
            with self._connection.begin():
                verdicts = consented(self._connection, user_id, consent, {one.scope for one in group})
                allowed = [by_item[one.item_id] for one in group if verdicts[one.scope].is_valid]
                refused = [one for one in group if not verdicts[one.scope].is_valid]
                items.drop(self._connection, [one.item_id for one in refused])
                reserved += self._within(batch_id, user_id, model, allowed)
            for one in refused:
                items.forget(one)
        return reserved

    def _within(self, batch_id: UUID, user_id: str, model: str, asked: Sequence[_Opened]) -> list[tuple[UUID, _Opened]]:
        """Of one person's questions, those that the budgets have room for."""
        connection = self._connection
        ledger.hold_purse(connection, user_id)
        budgets = ledger.Budgets(connection, user_id, [*{one.item.run_id for one in asked}])
        room: dict[UUID, tuple[UUID, _Opened, Decimal]] = {}
        for one in asked:
            try:
                worst = vendors.worst(one.request, model, bulk=True)
            except Misconfigured as error:
                items.fail(connection, [one.item.item_id], Reason(ReasonCode.MODEL_MISSING, error.message))
                continue
            if (purse := budgets.short_of(one.item.run_id, worst)) is None:
                budgets.take(one.item.run_id, worst)
                room[one.item.item_id] = (uuid4(), one, worst)
            elif purse.passing or purse.later:
                items.put_off(connection, [one.item.item_id], LATER_S)
            else:
                items.fail(connection, [one.item.item_id], purse.exhausted)
        taken = items.send(connection, batch_id, {item_id: call_id for item_id, (call_id, _, _) in room.items()})
        entered = [room[item_id] for item_id in room if item_id in taken]
        if entered:
            items.be_patient(connection, [one.item for _, one, _ in entered])
            ledger.enter_batched(
                connection,
                batch_id,
                [(call_id, self._asker(one.item, model), one.request, worst) for call_id, one, worst in entered],
                [one.item.call_id for _, one, _ in entered if one.item.call_id is not None],
            )
        return [(call_id, one) for call_id, one, _ in entered]

    def _asker(self, item: AnyRow, model: str) -> ledger.Asker:
        return ledger.Asker(
            package_id=item.package_id,
            run_id=item.run_id,
            step_id=item.step_id,
            user_id=item.user_id,
            vendor=self._vendor,
            model=model,
        )

    def _release(self, batch_id: UUID, reason: Reason | None, *, seconds: float = LATER_S, gone: bool = False) -> None:
        """A batch that is none: its questions wait again; with a reason, it counts as a try of theirs."""
        with self._connection.begin():
            items.take_back(self._connection, batch_id, seconds=seconds, reason=reason, tries=TRIES, alone=not gone)
            outcome, cost = (str(VendorErrorKind.NOT_FOUND), None) if gone else (ledger.NOT_TAKEN, Decimal(0))
            ledger.end_batched(self._connection, batch_id, outcome, cost)
            self._connection.execute(delete(LlmBatch).where(LlmBatch.batch_id == batch_id))

    def _heard(self) -> None:
        with self._connection.begin():
            breaker.closed(self._connection, self._vendor, self._digest)

    def _change(self, batch_id: UUID, **values: object) -> None:
        with self._connection.begin():
            self._connection.execute(update(LlmBatch).where(LlmBatch.batch_id == batch_id).values(**values))

    def _delete(self, batch_id: UUID) -> None:
        with self._connection.begin():
            self._connection.execute(delete(LlmBatch).where(LlmBatch.batch_id == batch_id))


def _general(error: VendorError) -> bool:
    """Whether other batches would meet with the same now."""
    return error.passing or error.kind is VendorErrorKind.AUTH


def _by_consent(found: Sequence[AnyRow]) -> Iterator[tuple[str, UUID, list[AnyRow]]]:
    """Items by the consent that they need: asked once for all of them."""

    def whose(item: AnyRow) -> tuple[str, str]:
        return str(item.user_id), str(item.consent)

    for (user_id, consent), group in groupby(sorted(found, key=whose), key=whose):
        yield user_id, UUID(consent), [*group]
