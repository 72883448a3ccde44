"""From files to candidates, as the command line does it: consent, uploads side by side, waiting, collecting."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.cli.client import Client, Refused
from app.cli.progress import Bar
from app.errors import TooLarge
from app.vocabulary import DataType, ReasonCode, RunStatus

#: Uploads on their way at once.
UPLOADS = 4
#: Packages whose state is asked for in one round.
WATCHED = 8
#: Seconds between rounds: short at first, since a small text takes a second in all.
PAUSE_S, LONGEST_PAUSE_S = 0.15, 1.0

_STEP_KEYS = ("analyzer", "version", "queue", "modality", "status", "reason", "processingTimeMs", "featureSetID")
_PACKAGE_KEYS = ("packageID", "dataType", "runStatus", "reason", "durationMs", "textLayers")


@dataclass(slots=True)
class Upload:
    """One file on its way.

    Attributes:
        file: as the person named it.
        package_id: None while it is not accepted.
        state: what the web tier last said of its run.
    """

    file: Path
    package_id: str | None = None
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> RunStatus:
        """State of the run."""
        return RunStatus(self.state.get("runStatus", RunStatus.QUEUED))

    @property
    def succeeded(self) -> bool:
        """Whether its analysis ended with results."""
        return self.status in {RunStatus.DONE, RunStatus.PARTIAL}

    def refuse(self, code: ReasonCode, message: str) -> None:
        """It was not accepted at all: for a reason of its own, or because something broke."""
        status = RunStatus.FAILED if code is ReasonCode.INTERNAL else RunStatus.REJECTED
        reason = {"code": str(code), "message": message, "details": {}}
        self.state = {"runStatus": str(status), "reason": reason, "dataType": str(DataType.UNKNOWN)}

    def as_json(self) -> dict[str, Any]:
        """The shape of design.md section 10."""
        package = {key: self.state.get(key) for key in _PACKAGE_KEYS}
        steps = [{key: step.get(key) for key in _STEP_KEYS} for step in self.state.get("steps", [])]
        return {**package, "file": str(self.file), "steps": steps, "textLayers": package["textLayers"] or []}


def analyse(client: Client, files: Sequence[Path], scopes: Iterable[str], authorship: str) -> list[Upload]:
    """Grant a consent, upload, wait until every run is final; one progress bar for all.

    Raises:
        EchoError: the consent was refused, or the web tier is away for longer than a restart takes.
    """
    consent = client.grant(scopes, "Analyse what I gave to `echosphere analyze`")
    uploads = [Upload(file) for file in files]
    with Bar(len(uploads)) as bar:
        with ThreadPoolExecutor(UPLOADS) as pool:
            sent = pool.map(lambda upload: _send(client, upload, consent, authorship), uploads)
            for number, upload in enumerate(sent, 1):
                bar.show(0, f"uploaded {number} of {len(uploads)}: {upload.file.name}")
        _watch(client, uploads, bar)
    return uploads


def _send(client: Client, upload: Upload, consent: str, authorship: str) -> Upload:
    try:
        upload.package_id = client.upload(upload.file, consent, authorship)
    except TooLarge as error:
        upload.refuse(ReasonCode.LIMIT_EXCEEDED, error.message)
    except Refused as error:
        codes = {413: ReasonCode.LIMIT_EXCEEDED, 429: ReasonCode.LIMIT_EXCEEDED, 403: ReasonCode.CONSENT_DENIED}
        upload.refuse(codes.get(error.status, ReasonCode.INTERNAL), error.message)
    return upload


def _watch(client: Client, uploads: Sequence[Upload], bar: Bar) -> None:
    """Ask in turn for those still open, so that sixty packages are no flood of requests."""
    waiting = [upload for upload in uploads if upload.package_id is not None]
    pause = PAUSE_S
    while waiting:
        now, later = waiting[:WATCHED], waiting[WATCHED:]
        for upload in now:
            upload.state = client.package(str(upload.package_id))
        still = [upload for upload in now if not upload.status.final]
        waiting = [*later, *still]
        done = sum(float(upload.state.get("progress", upload.status.final)) for upload in uploads)
        bar.show(done, _doing(uploads))
        if waiting and len(still) == len(now):
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 1.2)


def _doing(uploads: Sequence[Upload]) -> str:
    """What is worked on, for the bar."""
    for upload in uploads:
        for step in upload.state.get("steps", []):
            if step["status"] == "running":
                return str(step["analyzer"])
            if step.get("notBefore"):
                return f"{step['analyzer']} waits for its vendor until {step['notBefore'][11:16]} UTC"
    ended = sum(upload.status.final for upload in uploads)
    return f"{ended} of {len(uploads)} analysed"


def collect(client: Client, uploads: Iterable[Upload]) -> list[dict[str, Any]]:
    """The person's candidates that rest on these packages, best first.

    A list shows the best few passages of each candidate, which may be those of earlier packages; the feature sets it
    rests on are all there.
    """
    packages, measured = set(), set()
    for upload in uploads:
        if upload.package_id is not None:
            packages.add(upload.package_id)
        measured |= {step["featureSetID"] for step in upload.state.get("steps", [])}
    return [candidate for candidate in client.candidates() if _rests_on(candidate, packages, measured - {None})]


def _rests_on(candidate: dict[str, Any], packages: set[str], measured: set[str]) -> bool:
    snippets = [*candidate["supportingEvidenceSnippets"], *candidate["counterEvidenceSnippets"]]
    return bool(
        measured & set(candidate["associatedRawFeatureSetIDs"])
        or packages & {snippet["sourcePackageID"] for snippet in snippets}
    )


def in_words(upload: Upload) -> str:
    """One line on how a file's analysis ended."""
    reason = upload.state.get("reason")
    why = f": {reason['message']} ({reason['code']})" if reason else ""
    return f"{_near(upload.file)}: {upload.status}{why}"


def _near(file: Path) -> Path:
    """The path as seen from where the person is."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def remarks(upload: Upload) -> list[str]:
    """Why steps of a run were not done, each reason once, for people."""
    found: dict[str, str] = {}
    for step in upload.state.get("steps", []):
        reason = step.get("reason")
        if reason is not None and step["status"] != "done":
            found.setdefault(reason["message"], f"{step['analyzer']} {step['status']}: {reason['message']}")
    return [*found.values()]
