"""How a run ends, read off its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import Reason
from app.vocabulary import Phase, ReasonCode, RunStatus, StepStatus

#: Reasons that lie in the file: nobody but its owner can mend them.
INPUT_REASONS = frozenset(
    {
        ReasonCode.UNSUPPORTED_TYPE,
        ReasonCode.EMPTY,
        ReasonCode.CORRUPT,
        ReasonCode.NEEDS_PASSWORD,
        ReasonCode.LIMIT_EXCEEDED,
        ReasonCode.NO_TEXT,
        ReasonCode.NO_SPEECH,
        ReasonCode.NO_AUDIO,
    }
)
#: Which reason a run shows where its steps have several: what is our fault or may pass first, then what the person can
#: mend; anything not named comes last.
_SEVERITY = (
    ReasonCode.INTERNAL,
    ReasonCode.WORKER_LOST,
    ReasonCode.TIMED_OUT,
    ReasonCode.VENDOR_UNAVAILABLE,
    ReasonCode.VENDOR_REFUSED,
    ReasonCode.INVALID_ANSWER,
    ReasonCode.BUDGET_EXHAUSTED,
    ReasonCode.LIMIT_EXCEEDED,
    ReasonCode.CORRUPT,
    ReasonCode.CONSENT_DENIED,
    ReasonCode.NEEDS_PASSWORD,
    ReasonCode.AWAITING_SELF,
    ReasonCode.TOO_LITTLE_OWN_TEXT,
    ReasonCode.MODEL_MISSING,
)


@dataclass(frozen=True, slots=True)
class EndedStep:
    """What a run's end depends on.

    Attributes:
        phase: of the step.
        state: final.
        reason: why it is not simply done.
    """

    phase: Phase
    state: StepStatus
    reason: Reason | None = None


def ending(steps: Sequence[EndedStep]) -> tuple[RunStatus, Reason | None]:
    """State and reason of a run whose steps have all ended.

    `done`: everything done or with nothing to do; then the reason says why nothing read the text, if so. `partial`:
    some failed or were denied beside done ones. `rejected`: nothing was done, for a reason that lies in the file.
    `denied`: nothing was done, for want of consent alone. `failed`: nothing was done, otherwise.
    """
    done = [step for step in steps if step.state is StepStatus.DONE]
    bad = [step for step in steps if step.state in {StepStatus.FAILED, StepStatus.DENIED, StepStatus.CANCELLED}]
    if not bad:
        unread = [s for s in steps if s.phase is Phase.INTERPRET] if done else list(steps)
        # A vendor that the person never allowed explains nothing.
        said = [s for s in unread if not (s.reason and s.reason.code is ReasonCode.CONSENT_DENIED)]
        return RunStatus.DONE, None if any(s.state is StepStatus.DONE for s in unread) else _worst(said)
    if done:
        return RunStatus.PARTIAL, _worst(bad)
    failed = [step for step in bad if step.state is StepStatus.FAILED]
    in_file = [s for s in failed if s.phase is Phase.PERCEIVE and s.reason and s.reason.code in INPUT_REASONS]
    if in_file:
        return RunStatus.REJECTED, _worst(in_file)
    if failed:
        return RunStatus.FAILED, _worst(failed)
    return RunStatus.DENIED, _worst(bad)


def _worst(steps: Sequence[EndedStep]) -> Reason | None:
    reasons = [step.reason for step in steps if step.reason]
    return min(reasons, key=lambda reason: _place(reason.code), default=None)


def _place(code: ReasonCode) -> int:
    return _SEVERITY.index(code) if code in _SEVERITY else len(_SEVERITY)
