"""Which analyzers a run needs: rows of the catalog become steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.analyzers.catalog import AnalyzerRow
from app.consent import Verdict
from app.database import stable_id
from app.errors import Reason
from app.services.llm.vendors import missing_vendor, vendor_name
from app.services.ports import Lane
from app.vocabulary import Queue, ReasonCode, StepStatus
from config.settings import settings


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def model_folder(row: AnalyzerRow) -> str | None:
    """Folder of the local model a row needs; None where it needs none."""
    return str(settings().models_dir / row.model) if row.model else None


def missing_model(row: AnalyzerRow) -> Reason | None:
    """Why a row cannot run for want of its model or vendor. Asked here, so that no message is sent for nothing."""
    if why := missing_vendor(row):
        return why
    folder = model_folder(row)
    if folder is None or (settings().models_dir / str(row.model) / "config.json").exists():
        return None
    return Reason(
        ReasonCode.MODEL_MISSING,
        f"the local model {row.model!r} is not installed: `make models` installs it",
        {"model": row.model},
    )


def denied(scope: str, verdict: Verdict) -> Reason:
    """The reason of a step that consent does not cover."""
    if verdict.reason == "unanswered":
        return Reason(
            ReasonCode.CONSENT_DENIED,
            "the consent service did not answer, which counts as no: analyse again when it does",
            {"consent": verdict.reason},
        )
    return Reason(
        ReasonCode.CONSENT_DENIED,
        f"the consent does not cover {scope}: grant it and analyse again",
        {"consent": verdict.reason},
    )


def plan(
    rows: Iterable[AnalyzerRow],
    *,
    run_id: UUID,
    package_id: UUID,
    user_id: str,
    verdicts: Mapping[str, Verdict],
    skip: Reason | None = None,
) -> list[dict[str, Any]]:
    """Step rows for these analyzers.

    Args:
        rows: catalog rows.
        run_id: of the run.
        package_id: of the package.
        user_id: its owner.
        verdicts: of the consent, by scope; those of vendors that are not set up may be missing.
        skip: why none of them has anything to do, if so.

    Returns:
        One row per analyzer: pending, denied or skipped.
    """
    steps = []
    for row in rows:
        state, reason = StepStatus.PENDING, None
        if vendor_name(row) and (why := skip or _unused_vendor(row, verdicts)):
            state, reason = StepStatus.SKIPPED, why
        elif not verdicts[row.scope].is_valid:
            state, reason = StepStatus.DENIED, denied(row.scope, verdicts[row.scope])
        elif why := skip or missing_model(row):
            state, reason = StepStatus.SKIPPED, why
        steps.append(
            {
                "step_id": stable_id("step", run_id, row.name),
                "run_id": run_id,
                "package_id": package_id,
                "user_id": user_id,
                "analyzer": row.name,
                "version": row.version,
                "phase": str(row.phase),
                "queue": str(row.queue),
                "modality": str(row.modality),
                "lane": row.lane,
                "scope": row.scope,
                "state": str(state),
                "reason": reason.as_json() if reason else None,
                "finished_at": now() if state.final else None,
            }
        )
    return steps


def _unused_vendor(row: AnalyzerRow, verdicts: Mapping[str, Verdict]) -> Reason | None:
    """Why a vendor has nothing to do. One that the person never allowed is left out; nothing was refused with it."""
    if why := missing_vendor(row):
        return why
    verdict = verdicts[row.scope]
    return denied(row.scope, verdict) if verdict.reason == "not_covered" else None


def open_lanes(steps: Iterable[dict[str, Any]]) -> list[Lane]:
    """The lanes that still have something to do, each once."""
    return sorted({Lane(Queue(s["queue"]), s["lane"]) for s in steps if not StepStatus(s["state"]).final})
