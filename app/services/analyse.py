"""Run one lane of one run: claim its steps, analyse, store. Any number of times, in parallel, late: the rows decide.

Order: session lock on the lane -> consent gate -> claim with a fresh token -> commit -> work -> consent gate ->
features and text layers -> steps whose token is still ours -> commit.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy import Connection

from app.analysis import Blob, Context, Result
from app.analyzers.catalog import AnalyzerRow, analyzer
from app.analyzers.llm.port import VendorError
from app.database import AnyRow
from app.errors import EchoError, Reason, Refusal
from app.layers import TextLayer
from app.services.claims import Claim, claim, lane_lock
from app.services.failpoints import failpoint
from app.services.layers import load_main_layer
from app.services.llm.options import llm_options
from app.services.llm.vendors import vendor_name
from app.services.llm.waiting import NotNow, unanswered
from app.services.planning import model_folder
from app.services.results import Outcome, store
from app.vault import open_package
from app.vocabulary import Authorship, Phase, ReasonCode, StepStatus
from config.settings import settings

if TYPE_CHECKING:
    from app.services.llm.asking import Door

log = structlog.get_logger()

#: Reasons that mean "nothing to do here" for an analyzer that reads a text layer.
SKIPPING = frozenset(
    {ReasonCode.UNSUPPORTED_TYPE, ReasonCode.MODEL_MISSING, ReasonCode.TOO_LITTLE_OWN_TEXT, ReasonCode.NO_TEXT}
)


@dataclass(frozen=True, slots=True)
class LaneOutcome:
    """What a lane's task returns: ids and counts only."""

    run_id: str
    lane: str
    ended: dict[str, int] = field(default_factory=dict)
    busy: bool = False


def run_lane(run_id: UUID, lane: str, *, timeouts: tuple[type[Exception], ...] = ()) -> LaneOutcome:
    """Do what is still to be done in a lane.

    Args:
        run_id: of the run.
        lane: `AnalyzerRow.lane`.
        timeouts: exceptions by which the worker says that time is up.

    Returns:
        Ids and counts.
    """
    ended: Counter[str] = Counter()
    with lane_lock(run_id, lane) as connection:
        if connection is None:
            return LaneOutcome(str(run_id), lane, busy=True)
        more = True
        while more and (claimed := claim(connection, run_id, lane)):
            failpoint("lane.claimed")
            artifact = _Artifact(connection, claimed)
            outcomes = [_analyse(step, artifact, timeouts) for step in claimed.steps]
            failpoint("lane.worked")
            ended.update(map(str, store(connection, claimed, artifact.vault, outcomes)))
            failpoint("lane.stored")
            more = claimed.more
    return LaneOutcome(str(run_id), lane, dict(ended))


class _Artifact:
    """What the steps of a claim read, decrypted and decoded once, in memory, when the first of them asks."""

    def __init__(self, connection: Connection, claimed: Claim) -> None:
        self.package = claimed.package
        if self.package.wrapped_key is None:
            raise Refusal(ReasonCode.CORRUPT, "the package's data key is gone: it was erased")
        self.vault = open_package(self.package.user_id, self.package.package_id, self.package.wrapped_key)
        self._phase = Phase(claimed.steps[0].phase)
        self._connection = connection
        self._read: Blob | TextLayer | None = None

    def read(self) -> Blob | TextLayer:
        """The artifact of the lane's phase.

        Raises:
            Refusal: there is no text layer.
        """
        if self._read is None:
            self._read = self._blob() if self._phase is Phase.PERCEIVE else self._layer()
        return self._read

    def _blob(self) -> Blob:
        return Blob(self.vault.get(self.package.object_key), self.package.media_type)

    def _layer(self) -> TextLayer:
        with self._connection.begin():
            found = load_main_layer(self._connection, self.package.user_id, self.package.package_id)
        if found is None:
            raise Refusal(ReasonCode.NO_TEXT, "the package has no text layer")
        return found[1]

    def context(self, row: AnalyzerRow, step: AnyRow) -> Context:
        """What the analyzer of a step may know besides the artifact."""
        options = {"max_seconds": settings().max_audio_seconds, **row.options}
        options |= llm_options(row) if vendor_name(row) else settings().analyzer_options.get(row.name, {})
        if folder := model_folder(row):
            options |= {"model": folder, "task": row.model}
        authorship = Authorship(self.package.details.get("authorship", Authorship.UNKNOWN))
        if not vendor_name(row):
            return Context(authorship, options)
        door = self._door(step)
        return Context(authorship, options, door.ask, door.foresee if self.package.bulk else None)

    def _door(self, step: AnyRow) -> Door:
        from app.services.llm.asking import asking  # noqa: PLC0415 - only workers of the llm queue ask

        return asking(self._connection, step, self.package, self.vault)


def _analyse(step: AnyRow, artifact: _Artifact, timeouts: tuple[type[Exception], ...]) -> Outcome:
    """Run one analyzer; whatever it does becomes an outcome, never a crash of the lane."""
    begun = time.perf_counter()
    row = analyzer(step.analyzer)
    if other := settings().analyzer_implementations.get(row.name):
        row = replace(row, implementation=other)
    failpoint(f"lane.analyse.{row.name}")
    try:
        result = _call(row, step, artifact)
        outcome = Outcome(step, StepStatus.DONE, result.reason, result)
    except Refusal as refusal:
        skipped = refusal.reason.code in SKIPPING and row.phase is Phase.INTERPRET
        outcome = Outcome(step, StepStatus.SKIPPED if skipped else StepStatus.FAILED, refusal.reason)
    except (VendorError, NotNow) as error:
        outcome = unanswered(step, error)
    except timeouts:
        outcome = _failed(step, ReasonCode.TIMED_OUT, "the analyzer took longer than its limit: try a shorter file")
    except (MemoryError, RecursionError):
        outcome = _failed(step, ReasonCode.LIMIT_EXCEEDED, "the file needs more memory than an analyzer may use")
    except EchoError:
        raise
    except Exception as error:  # noqa: BLE001 - a failing analyzer is recorded; its message may hold content and is not
        log.warning("analyzer_failed", analyzer=row.name, step=str(step.step_id), error=type(error).__name__)
        outcome = _failed(step, ReasonCode.INTERNAL, f"the analyzer failed ({type(error).__name__}): this is our fault")
    outcome.milliseconds = round((time.perf_counter() - begun) * 1000)
    return outcome


def _failed(step: AnyRow, code: ReasonCode, message: str) -> Outcome:
    return Outcome(step, StepStatus.FAILED, Reason(code, message))


def _call(row: AnalyzerRow, step: AnyRow, artifact: _Artifact) -> Result:
    read, context = artifact.read(), artifact.context(row, step)
    if not row.sandboxed:
        return row.load()(read, context)
    from app.perception.sandbox import sandbox  # noqa: PLC0415 - only workers of sandboxed analyzers need it

    if not isinstance(read, Blob):
        raise Refusal(ReasonCode.INTERNAL, "only perceiving analyzers run in the sandbox")
    return sandbox().call(row.implementation, read, context, deadline_s=row.deadline_s)
