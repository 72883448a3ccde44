"""`Context.ask`: the way of a question from an analyzer to a vendor.

A recorded answer of the same run, else: slot -> consent, breaker, budget and ledger in one transaction -> the call ->
recording -> ledger and breaker in another. Everything is asked over the lane's own connection, which no transaction
holds while the vendor thinks: threads that wait for vendors need one connection each, and no more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import uniform
from uuid import UUID

import structlog
from sqlalchemy import Connection, select

from app.analyzers.llm.port import Vendor, VendorError, VendorErrorKind
from app.asking import Answer, Request, Usage
from app.consent import ask as consented
from app.database import AnyRow
from app.errors import EchoError, Misconfigured, Refusal
from app.models import Run, Step
from app.services.failpoints import failpoint
from app.services.llm import batch_items, breaker, ledger, recordings, slots, vendors
from app.services.llm.batch_results import as_error
from app.services.llm.waiting import InBatch, NotNow
from app.services.planning import denied, now
from app.vault import PackageVault
from app.vocabulary import ReasonCode, RunStatus
from config.settings import settings

log = structlog.get_logger()

#: Seconds between two questions to PostgreSQL whether the answer is still wanted.
WATCH_S = 1.0
#: Seconds between two looks whether open calls have left enough of a budget.
PURSE_S = 0.3
#: Seconds until a step looks again whether a batch has left enough of a budget.
BATCH_HOLDS_S = 300.0


def asking(connection: Connection, step: AnyRow, package: AnyRow, vault: PackageVault) -> Door:
    """What a step puts its questions to.

    Args:
        connection: the one that holds the lane.
        step: columns of `steps`, with our token.
        package: of the claim.
        vault: of the package.
    """
    return Door(connection, step, package, vault, vendors.vendor(), bulk=package.bulk)


class Door:
    """The questions of one step.

    Args:
        connection: the one that holds the lane.
        step: columns of `steps`, with our token.
        package: of the claim.
        vault: of the package.
        vendor: that is asked.
        again: a run that has ended asks another model; its recordings are neither used nor replaced.
        bulk: the run's questions travel in batches; their answers come as recordings, whatever the settings say.
    """

    def __init__(
        self,
        connection: Connection,
        step: AnyRow,
        package: AnyRow,
        vault: PackageVault,
        vendor: Vendor,
        *,
        again: bool = False,
        bulk: bool = False,
    ) -> None:
        self._connection, self._step, self._package, self._vault = connection, step, package, vault
        self._vendor, self._again, self._bulk = vendor, again, bulk
        self._recording_on = bulk or (settings().llm_recordings and not again)
        self._digest = vendors.key_digest()
        self._watched = 0.0
        self._gone = False
        self._asker = ledger.Asker(
            package_id=package.package_id,
            run_id=step.run_id,
            step_id=step.step_id,
            user_id=package.user_id,
            vendor=vendor.name,
            model=vendor.model,
        )

    def ask(self, request: Request) -> Answer:
        """`Ask`.

        Raises:
            Refusal: consent, a budget or a price is missing.
            VendorError: the vendor gave no answer.
            NotNow: it may not be asked now.
        """
        if (kept := self._recorded(request)) is not None:
            return kept
        if self._bulk:
            raise self._in_batch(request)
        try:
            worst = vendors.worst(request, self._vendor.model)
        except Misconfigured as error:
            raise Refusal(ReasonCode.MODEL_MISSING, error.message) from error
        with slots.slot(self._connection, self._vendor.name, self._digest, self._unwanted) as free:
            if not free:
                raise self._cancelled() if self._gone else NotNow("all calls that may be made at a time are taken")
            call_id = self._enter(request, worst)
            return self._call(request, call_id)

    def foresee(self, requests: Sequence[Request]) -> None:
        """`Context.foresee` of a bulk run: its questions travel together."""
        batch_items.put(self._connection, self._step, self._vault, requests)

    def _in_batch(self, request: Request) -> EchoError:
        """The question is put down for the next batch, unless it came back from one without an answer."""
        failed = batch_items.put(self._connection, self._step, self._vault, [request])
        return as_error(failed[request.key]) if request.key in failed else InBatch()

    def _recorded(self, request: Request) -> Answer | None:
        """What this run was answered before its worker died or a later window failed."""
        recording = recordings.find(self._vault, self._step.run_id, request) if self._recording_on else None
        if recording is None:
            return None
        answer = recording.answer
        with self._connection.begin():
            ledger.settle_lost(self._connection, self._asker, request, answer, self._price(answer.usage, answer.model))
        return answer

    def _enter(self, request: Request, worst: Decimal) -> UUID:
        """Consent, breaker, budget: then the call is in the ledger."""
        until = time.monotonic() + settings().llm_deadline_s
        while True:
            found = self._admitted(request, worst)
            if isinstance(found, UUID):
                return found
            # Calls that are being made hold more of the budget than they may come to cost.
            if not found.passing and found.later:
                raise NotNow("a batch holds what is left of the budget", now() + timedelta(seconds=BATCH_HOLDS_S))
            if not found.passing:
                why = found.exhausted
                raise Refusal(why.code, why.message, **why.details)
            if time.monotonic() > until:
                raise NotNow("other calls hold what is left of the budget")
            if self._unwanted():
                raise self._cancelled()
            time.sleep(uniform(PURSE_S / 2, PURSE_S))  # noqa: S311 - so that waiting threads do not march in step

    def _admitted(self, request: Request, worst: Decimal) -> UUID | ledger.Purse:
        connection, scope = self._connection, self._step.scope
        with connection.begin():
            verdict = consented(connection, self._package.user_id, self._package.consent, {scope})[scope]
            if not verdict.is_valid:
                reason = denied(scope, verdict)
                raise Refusal(reason.code, reason.message, **reason.details)
            if (until := breaker.admitted(connection, self._vendor.name, self._digest)) is not None:
                raise NotNow("the vendor did not answer several times in a row", until)
            ledger.hold_purse(connection, self._package.user_id)
            short = ledger.short_of(connection, self._asker, worst)
            if short is not None:
                return short
            return ledger.enter(connection, self._asker, request, worst)

    def _call(self, request: Request, call_id: UUID) -> Answer:
        begun = time.perf_counter()

        def ended(outcome: str, usage: Usage = Usage(), model: str = "", request_id: str = "") -> ledger.Ended:  # noqa: B008 - frozen
            return ledger.Ended(
                outcome=outcome,
                usage=usage,
                model=model or self._vendor.model,
                request_id=request_id,
                milliseconds=round((time.perf_counter() - begun) * 1000),
            )

        failpoint("llm.asked")
        try:
            answer = self._vendor.complete(request, settings().llm_deadline_s, self._unwanted)
        except VendorError as error:
            self._settle(call_id, ended(str(error.kind), error.usage, error.model, error.request_id), error)
            raise
        except Exception:
            self._settle(call_id, ended(str(ReasonCode.INTERNAL)))
            raise
        failpoint("llm.answered")
        if self._recording_on:
            recordings.keep(self._vault, self._recording(request, answer))
        failpoint("llm.recorded")
        self._settle(call_id, ended(ledger.ANSWERED, answer.usage, answer.model, answer.request_id))
        return answer

    def _recording(self, request: Request, answer: Answer) -> recordings.Recording:
        return recordings.Recording(
            run_id=self._step.run_id,
            analyzer=self._step.analyzer,
            model=self._vendor.model,
            asked_at=now(),
            request=request,
            answer=answer,
        )

    def _settle(self, call_id: UUID, ended: ledger.Ended, error: VendorError | None = None) -> None:
        """Enter what the call came to, for the ledger and for everybody who wants to ask the same vendor."""
        name, cost = self._vendor.name, self._price(ended.usage, ended.model)
        with self._connection.begin():
            ledger.settle(self._connection, call_id, ended, cost)
            if error is not None and error.passing:
                began = now() - timedelta(milliseconds=ended.milliseconds or 0)
                breaker.failed(self._connection, name, self._digest, error.retry_after_s, began)
            elif error is None or error.kind is not VendorErrorKind.CANCELLED:
                breaker.closed(self._connection, name, self._digest)
        log.info(
            "llm_call", step=str(self._step.step_id), outcome=ended.outcome, took=ended.milliseconds, cost=str(cost)
        )

    def _price(self, usage: Usage, answered: str) -> Decimal:
        return vendors.price(usage, self._vendor.model, answered, bulk=self._bulk)

    def _unwanted(self) -> bool:
        """Whether the run was cancelled, the step taken over, or consent ended; asked at most every second."""
        if not self._gone and time.monotonic() - self._watched >= WATCH_S:
            self._gone = not self._wanted()
            self._watched = time.monotonic()
        return self._gone

    def _wanted(self) -> bool:
        connection, step, package = self._connection, self._step, self._package
        with connection.begin():
            if not consented(connection, package.user_id, package.consent, {step.scope}, relaxed=True)[
                step.scope
            ].is_valid:
                return False
            if self._again:
                return True
            row = connection.execute(
                select(Run.state, Step.token).join(Step, Step.run_id == Run.run_id).where(Step.step_id == step.step_id)
            ).one_or_none()
        return row is not None and not RunStatus(row.state).final and row.token == step.token

    def _cancelled(self) -> VendorError:
        return VendorError(VendorErrorKind.CANCELLED, "nobody wants the answer any more")
