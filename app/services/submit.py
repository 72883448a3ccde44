"""Submit: an upload becomes a package, a run and its steps in one transaction; the commit is the acceptance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.analyzers.catalog import TEXT_LOCAL, AnalyzerRow, perceiving
from app.consent import Verdict, ask
from app.database import transaction
from app.errors import Busy, ConsentDenied, EchoError, InvalidInput, Reason, StoreUnavailable, TooLarge
from app.models import PackageKey, Run, Step, UserDataPackage
from app.perception.sniff import sniff
from app.services import dispatch
from app.services.planning import now, open_lanes, plan
from app.services.ports import Pipeline
from app.vault import delete_objects, new_package
from app.vocabulary import Authorship, DataType, Phase, ReasonCode, RunStatus, StepStatus
from config.settings import settings

log = structlog.get_logger()

#: Bytes of an upload's beginning that its type is read from.
HEAD_BYTES = 256 * 1024


class Upload:
    """One upload being received: encrypted while it streams, kept only if it is accepted.

    Args:
        user_id: whose it will be.
    """

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.package_id = uuid4()
        self.head = b""
        self.size = 0
        self.sha256 = hashlib.sha256(b"").hexdigest()
        self.object_key = ""
        self.vault = new_package(user_id, self.package_id)

    def receive(self, chunks: Iterator[bytes]) -> None:
        """Take the bytes in and put their ciphertext into the vault.

        Raises:
            TooLarge: more than `ECHO_MAX_UPLOAD_BYTES`.
        """
        self.object_key, self.size, self.sha256 = self.vault.put_stream("original", self._counted(chunks))

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        limit, size = settings().max_upload_bytes, 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"an upload may have {limit} bytes at most: split the file", limitBytes=limit)
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            yield chunk

    def discard(self) -> None:
        """Leave nothing behind."""
        delete_objects(self.user_id, self.package_id)


def submit(
    upload: Upload,
    *,
    consent_token_id: UUID,
    source_description: str,
    file_name: str,
    data_type: str | None,
    metadata: dict[str, Any],
    idempotency_key: str | None,
    pipeline: Pipeline,
) -> dict[str, Any]:
    """Accept an upload.

    Args:
        upload: received, encrypted in the vault.
        consent_token_id: the consent it is given under.
        source_description: what the person says it is.
        file_name: its name at the person's place; data only.
        data_type: what the client believes it is; must be a DataType if given. The bytes decide.
        metadata: `authorship` and what else the client wants kept.
        idempotency_key: repeats of one request are one package.
        pipeline: where the run is published, after the commit.

    Returns:
        `{packageID, runID, runStatus, created}`.

    Raises:
        ConsentDenied: the consent is unknown, another person's, revoked or expired.
        StoreUnavailable: a remote consent service rules and does not answer.
        InvalidInput: metadata or data type are wrong, or the key was used with another body.
        Busy: too many runs of this person wait.
    """
    _check(data_type, metadata)
    fingerprint = _fingerprint(upload, consent_token_id, source_description, file_name, data_type, metadata)
    package = _package(upload, consent_token_id, source_description, file_name, metadata)
    package.update(idempotency_key=idempotency_key, request_fingerprint=fingerprint)
    try:
        with transaction() as connection:
            verdicts = permitted(connection, package)
            if idempotency_key and (known := _known(connection, upload.user_id, idempotency_key, fingerprint)):
                upload.discard()
                return known
            run = _accept(connection, package, upload.vault.wrapped_key, verdicts)
    except IntegrityError:
        # Two requests with one key at the same moment: the other one won, and this one answers as its repetition.
        with transaction() as connection:
            known = _known(connection, upload.user_id, idempotency_key or "", fingerprint)
        if known is None:
            raise
        upload.discard()
        return known
    announce(run, pipeline)
    return {"packageID": upload.package_id, "runID": run["run_id"], "runStatus": run["state"], "created": True}


def permitted(connection: Connection, package: Mapping[str, Any]) -> dict[str, Verdict]:
    """What the consent of a package says about all that may read it first; holds the gate, see `app.consent.ask`."""
    scopes = {TEXT_LOCAL, *(row.scope for row in perceiving(DataType(package["data_type"])))}
    return ask(connection, package["user_id"], package["consent_token_id"], scopes)


def _accept(
    connection: Connection, package: dict[str, Any], wrapped_key: bytes, verdicts: Mapping[str, Verdict]
) -> dict[str, Any]:
    """Write package, key, run and steps; the caller's commit is the acceptance."""
    user_id, verdict = package["user_id"], verdicts[TEXT_LOCAL]
    if verdict.reason == "unanswered":
        raise StoreUnavailable("the consent service does not answer, so that nothing was stored: try again")
    if not verdict.is_valid and verdict.reason != "not_covered":
        raise ConsentDenied(
            "this consent does not allow the upload: grant one and send its consentTokenID", reason=verdict.reason
        )
    at_once, waiting = dispatch.room_for(connection, user_id)
    if waiting >= settings().max_waiting_runs:
        raise Busy("too many of your packages wait to be analysed: try again when some are done")
    key = {"package_id": package["package_id"], "user_id": user_id, "wrapped_key": wrapped_key}
    keyed = insert(PackageKey).values(key).cte("keyed")
    connection.execute(insert(UserDataPackage).values(package).add_cte(keyed))
    return start_run(connection, package, verdicts, at_once=at_once)


def start_run(
    connection: Connection,
    package: dict[str, Any],
    verdicts: Mapping[str, Verdict],
    *,
    at_once: bool,
    bulk: bool = False,
) -> dict[str, Any]:
    """Insert a run and its perceiving steps in the caller's transaction.

    Args:
        connection: of the transaction.
        package: columns of `packages`.
        verdicts: of `permitted`.
        at_once: whether the window has room for it now.
        bulk: whether vendors are asked in batches.

    Returns:
        Columns of `runs`, with `steps` and `lanes` added.
    """
    run_id = uuid4()
    rows = perceiving(DataType(package["data_type"]))
    steps = plan(rows, run_id=run_id, package_id=package["package_id"], user_id=package["user_id"], verdicts=verdicts)
    state, reason = _first_state(package, rows, steps, at_once=at_once)
    moment = now()
    run = {
        "run_id": run_id,
        "package_id": package["package_id"],
        "user_id": package["user_id"],
        "consent_token_id": package["consent_token_id"],
        "state": str(state),
        "phase": str(Phase.ENDED if state.final else Phase.PERCEIVE),
        "reason": reason.as_json() if reason else None,
        "dispatched_at": moment if state is RunStatus.RUNNING else None,
        "dispatches": int(state is RunStatus.RUNNING),
        "moved_at": moment,
        "finished_at": moment if state.final else None,
        "bulk": bulk,
    }
    connection.execute(insert(Run), run)
    if steps:
        connection.execute(insert(Step), steps)
    return {**run, "lanes": open_lanes(steps)}


def announce(run: dict[str, Any], pipeline: Pipeline) -> None:
    """After the commit: publish the run if it may start at once; a broker that is down costs a bounded second.

    Nothing in here may fail the request: it was accepted, and the reconciler finds what was not published.
    """
    if run["state"] != str(RunStatus.RUNNING) or pipeline.publish(run["run_id"], Phase.PERCEIVE, run["lanes"]):
        return
    try:
        dispatch.waiting_again(run["run_id"])
    except (EchoError, SQLAlchemyError) as error:
        log.warning("not_queued_again", run=str(run["run_id"]), error=type(error).__name__)


def _first_state(
    package: dict[str, Any], rows: list[AnalyzerRow], steps: list[dict[str, Any]], *, at_once: bool
) -> tuple[RunStatus, Reason | None]:
    if package["size_bytes"] == 0:
        return RunStatus.REJECTED, Reason(ReasonCode.EMPTY, "the file is empty: nothing was analysed")
    if not rows:
        return RunStatus.REJECTED, Reason(
            ReasonCode.UNSUPPORTED_TYPE,
            "this kind of file cannot be read: text, Markdown, HTML, PDF, DOCX, mail, audio and pictures can",
            {"mediaType": package["media_type"]},
        )
    if all(step["state"] == str(StepStatus.DENIED) for step in steps):
        return RunStatus.DENIED, Reason.from_json(steps[0]["reason"])
    return (RunStatus.RUNNING if at_once else RunStatus.QUEUED), None


def _package(
    upload: Upload, consent_token_id: UUID, source_description: str, file_name: str, metadata: dict[str, Any]
) -> dict[str, Any]:
    data_type, media_type = sniff(upload.head)
    return {
        "package_id": upload.package_id,
        "user_id": upload.user_id,
        "consent_token_id": consent_token_id,
        "source_description": source_description,
        "file_name": file_name,
        "data_type": str(data_type),
        "media_type": media_type,
        "size_bytes": upload.size,
        "sha256": upload.sha256,
        "object_key": upload.object_key,
        "details": metadata,
    }


def _check(data_type: str | None, metadata: dict[str, Any]) -> None:
    if data_type is not None and data_type not in set(DataType):
        raise InvalidInput("dataType is unknown", allowed=[str(kind) for kind in DataType])
    if (authorship := metadata.get("authorship")) is not None and authorship not in set(Authorship):
        raise InvalidInput("metadata.authorship is unknown", allowed=[str(kind) for kind in Authorship])


def _fingerprint(upload: Upload, *parts: object) -> str:
    said = json.dumps([upload.sha256, upload.size, *parts], sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _known(connection: Connection, user_id: str, key: str, fingerprint: str) -> dict[str, Any] | None:
    row = connection.execute(
        select(UserDataPackage.package_id, UserDataPackage.request_fingerprint, Run.run_id, Run.state)
        .join(Run, Run.package_id == UserDataPackage.package_id)
        .where(UserDataPackage.user_id == user_id, UserDataPackage.idempotency_key == key)
        .order_by(Run.sequence)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    if row.request_fingerprint != fingerprint:
        raise InvalidInput("this Idempotency-Key was used for another upload: send a new key")
    return {"packageID": row.package_id, "runID": row.run_id, "runStatus": row.state, "created": False}
