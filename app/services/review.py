"""Review: what the person decides. Log, candidate, settled trait and outbox change in one transaction.

The log is the truth; the status of a candidate and the settled trait are what stands in it (`decisions.standing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.database import AnyRow, stable_id, transaction
from app.errors import Conflict, EchoError, InvalidInput, NotFound
from app.models import EvidenceSnippet, GraphOutbox, SettledTrait, UserRefinedTrait
from app.models import ExtractedTraitCandidate as Candidate
from app.services.candidates import as_json, candidate_row, hold_person, member, version
from app.services.contributions import look_up
from app.services.decisions import (
    STATUS_AFTER,
    decision_json,
    identity_of,
    name_of,
    rating_of,
    read_action,
    standing,
    text_of,
    trait_json,
    wording,
)
from app.services.planning import now
from app.services.proposals import combined_values, supported
from app.services.records import decisions_of, track_records
from app.vocabulary import CandidateStatus, TraitCategory, TraitOrigin, TraitStatus, UserDecision

#: Decisions in one request.
MOST_ACTIONS = 100
#: Longest page of traits or of the log.
MOST_ROWS = 1000

_ORIGIN = {
    UserDecision.CONFIRMED_ASIS: TraitOrigin.AI_CONFIRMED,
    UserDecision.CONFIRMED_MODIFIED: TraitOrigin.AI_REFINED,
    UserDecision.USER_ADDED: TraitOrigin.USER_DEFINED,
}


def act(
    user_id: str, candidate_id: UUID, action: Mapping[str, Any], *, expected_version: str | None = None
) -> dict[str, Any]:
    """Decide about a candidate, or take a decision back.

    Args:
        user_id: who decides.
        candidate_id: about what.
        action: `{userDecision, modifications?, rejectionReason?}`; or `{undo: true}` (also as `userDecision`) for the
            decision that stands; or `{refinementActionID}` to undo that one.
        expected_version: `version` of the candidate that was decided about.

    Returns:
        `{decision, candidate, trait}`; the trait is None where none is settled now.

    Raises:
        InvalidInput: the action is wrong; `details.field` says where.
        NotFound: no such candidate or decision, or somebody else's.
        Conflict: the candidate has changed, or there is nothing to undo.
    """
    with transaction() as connection:
        hold_person(connection, user_id)
        return _act(connection, user_id, candidate_id, action, expected_version)


def act_many(user_id: str, actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Several decisions in their order, all or none.

    Args:
        user_id: who decides.
        actions: as for `act`, each with `candidateID`; one with `refinementActionID` needs none.

    Returns:
        What `act` returns, each with `candidateID`.

    Raises:
        EchoError: as `act`; `details.index` says which action.
    """
    if not 1 <= len(actions) <= MOST_ACTIONS:
        raise InvalidInput(f"actions must be 1 to {MOST_ACTIONS}", field="actions")
    outcomes = []
    with transaction() as connection:
        hold_person(connection, user_id)
        for index, action in enumerate(actions):
            try:
                outcomes.append(_act_in_list(connection, user_id, action))
            except (InvalidInput, NotFound, Conflict) as error:
                raise _at(error, index) from error
    return outcomes


def _at(error: EchoError, index: int) -> EchoError:
    return type(error)(f"action {index}: {error.message}", **{**error.details, "index": index})


def _act_in_list(connection: Connection, user_id: str, action: Mapping[str, Any]) -> dict[str, Any]:
    if action.get("refinementActionID") is not None:
        outcome = _undo(connection, user_id, identity_of(action["refinementActionID"], "refinementActionID"))
    else:
        candidate_id = identity_of(action.get("candidateID"), "candidateID")
        outcome = _act(connection, user_id, candidate_id, action, None)
    return {"candidateID": outcome["decision"]["originalCandidateID"], **outcome}


def undo(user_id: str, refinement_action_id: UUID) -> dict[str, Any]:
    """Take a decision back, be it an undo; that is a decision of its own.

    Raises:
        NotFound: no such decision, or somebody else's.
        Conflict: it does not stand any more, or a later one stands over it.
    """
    with transaction() as connection:
        hold_person(connection, user_id)
        return _undo(connection, user_id, refinement_action_id)


def add_trait(user_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A trait of the person's own.

    Args:
        user_id: whose.
        body: `{traitName, traitDescription?, traitCategory, userConfidenceRating?, customizationNotes?}`.

    Returns:
        `{decision, candidate: None, trait}`.

    Raises:
        InvalidInput: a value is wrong.
        Conflict: a trait of that name is settled already.
    """
    name = name_of(body.get("traitName"), "traitName")
    if name is None:
        raise InvalidInput("traitName is missing", field="traitName")
    entry = {
        "trait_id_in_pkg": uuid4(),
        "user_decision": str(UserDecision.USER_ADDED),
        "refined_trait_name": name,
        "refined_trait_description": text_of(body.get("traitDescription"), "traitDescription") or "",
        "refined_trait_category": str(member(TraitCategory, body.get("traitCategory"), "traitCategory")),
        "user_confidence_rating": rating_of(body.get("userConfidenceRating")),
        "customization_notes": text_of(body.get("customizationNotes"), "customizationNotes"),
    }
    with transaction() as connection:
        hold_person(connection, user_id)
        same = select(SettledTrait.trait_id).where(
            SettledTrait.user_id == user_id, func.lower(SettledTrait.trait_name) == func.lower(name)
        )
        if (known := connection.execute(same).scalar()) is not None:
            raise Conflict("a trait of that name is settled already", traitID_in_pkg=str(known))
        written = _write(connection, user_id, entry)
        return _outcome(written, None, _settle(connection, written, written))


def list_traits(user_id: str, *, limit: int = 100, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the settled traits, oldest first, and how many there are."""
    order = (SettledTrait.created_at, SettledTrait.trait_id)
    rows, total = _page(SettledTrait, user_id, order, limit, offset)
    return [trait_json(row) for row in rows], total


def history(user_id: str, *, limit: int = 100, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the decision log, newest first, and how many entries it has."""
    rows, total = _page(UserRefinedTrait, user_id, (UserRefinedTrait.sequence.desc(),), limit, offset)
    return [decision_json(row) for row in rows], total


def _page(
    table: type[SettledTrait | UserRefinedTrait], user_id: str, order: tuple[Any, ...], limit: int, offset: int
) -> tuple[Sequence[AnyRow], int]:
    if not 1 <= limit <= MOST_ROWS or not 0 <= offset < 2**31:
        raise InvalidInput(f"limit must be 1 to {MOST_ROWS}, offset 0 or more", field="limit")
    mine = table.user_id == user_id
    with transaction() as connection:
        total = connection.execute(select(func.count()).select_from(table).where(mine)).scalar_one()
        query = select(table.__table__).where(mine).order_by(*order).limit(limit).offset(offset)
        return connection.execute(query).all(), total


def _act(
    connection: Connection, user_id: str, candidate_id: UUID, action: Mapping[str, Any], expected_version: str | None
) -> dict[str, Any]:
    candidate = candidate_row(connection, user_id, candidate_id)
    if expected_version is not None and expected_version != version(candidate):
        raise Conflict("the candidate has changed since you read it: read it again", version=version(candidate))
    if action.get("refinementActionID") is not None:
        entry_id = identity_of(action["refinementActionID"], "refinementActionID")
        return _undo(connection, user_id, entry_id, candidate_id)
    stands = standing(_log(connection, UserRefinedTrait.original_candidate_id == candidate_id))
    if action.get("undo") is True or action.get("userDecision") == "undo":
        if stands is None:
            raise Conflict("nothing has been decided about this candidate: there is nothing to undo")
        return _undo(connection, user_id, stands.refinement_action_id)
    written = _write(connection, user_id, _entry(connection, candidate, action, stands))
    return _carry_out(connection, written, written)


def _entry(
    connection: Connection, candidate: AnyRow, action: Mapping[str, Any], stands: AnyRow | None
) -> dict[str, Any]:
    """The log's columns for a decision about a candidate.

    A confirmation holds the whole wording, so that the log alone says what was confirmed; what a modification leaves
    out is as it stands now.
    """
    decision, said, reason = read_action(action)
    _check_linked(connection, candidate, said.linked)
    about = {
        "original_candidate_id": candidate.candidate_id,
        "user_decision": str(decision),
        "rejection_reason": reason,
        "linked_evidence_override": None if said.linked is None else [str(identity) for identity in said.linked],
    }
    if decision is UserDecision.REJECTED:
        return {**about, "user_confidence_rating": said.rating, "customization_notes": said.notes}
    whole = said.over(wording(candidate, stands, modified=decision is UserDecision.CONFIRMED_MODIFIED))
    return {
        **about,
        "trait_id_in_pkg": stable_id("trait", candidate.candidate_id),
        "refined_trait_name": whole.name,
        "refined_trait_description": whole.description,
        "refined_trait_category": str(whole.category),
        "user_confidence_rating": whole.rating,
        "customization_notes": whole.notes,
    }


def _check_linked(connection: Connection, candidate: AnyRow, linked: tuple[UUID, ...] | None) -> None:
    if not linked:
        return
    known = connection.execute(
        select(func.count())
        .select_from(EvidenceSnippet)
        .where(
            EvidenceSnippet.evidence_id.in_(linked),
            EvidenceSnippet.candidate_id == candidate.candidate_id,
            EvidenceSnippet.user_id == candidate.user_id,
        )
    ).scalar_one()
    if known != len(set(linked)):
        raise InvalidInput("linkedEvidenceOverride names no evidence of this candidate", field="linkedEvidenceOverride")


def _undo(connection: Connection, user_id: str, entry_id: UUID, candidate_id: UUID | None = None) -> dict[str, Any]:
    conditions = [UserRefinedTrait.refinement_action_id == entry_id, UserRefinedTrait.user_id == user_id]
    if candidate_id is not None:
        conditions.append(UserRefinedTrait.original_candidate_id == candidate_id)
    found = _log(connection, *conditions)
    if not found:
        raise NotFound("no such decision")
    entry = found[0]
    if entry.original_candidate_id is not None:
        about = UserRefinedTrait.original_candidate_id == entry.original_candidate_id
    else:
        about = UserRefinedTrait.trait_id_in_pkg == entry.trait_id_in_pkg
    log = _log(connection, UserRefinedTrait.user_id == user_id, about)
    before = standing(log)
    written = _write(
        connection,
        user_id,
        {
            "original_candidate_id": entry.original_candidate_id,
            "trait_id_in_pkg": entry.trait_id_in_pkg,
            "user_decision": str(UserDecision.SUPERSEDED),
            "undoes": entry_id,
        },
    )
    after = standing([*log, written])
    if before is after:
        raise Conflict("this decision does not stand any more, or a later one stands over it: undo that one")
    return _carry_out(connection, written, after)


def _log(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[AnyRow]:
    query = select(UserRefinedTrait.__table__).where(*conditions).order_by(UserRefinedTrait.sequence)
    return connection.execute(query).all()


def _write(connection: Connection, user_id: str, entry: Mapping[str, Any]) -> AnyRow:
    """Append to the log, and have the person's graph drawn again."""
    connection.execute(insert(GraphOutbox), {"user_id": user_id, "cause": "decision"})
    return connection.execute(
        insert(UserRefinedTrait)
        .values(refinement_action_id=uuid4(), user_id=user_id, action_timestamp=now(), **entry)
        .returning(UserRefinedTrait.__table__)
    ).one()


def _carry_out(connection: Connection, written: AnyRow, stands: AnyRow | None) -> dict[str, Any]:
    """Make candidate and settled trait say what stands in the log."""
    candidate = None
    if written.original_candidate_id is not None:
        candidate = _restate(connection, written.user_id, written.original_candidate_id, stands)
    return _outcome(written, candidate, _settle(connection, written, stands))


def _outcome(written: AnyRow, candidate: AnyRow | None, trait: AnyRow | None) -> dict[str, Any]:
    return {
        "decision": decision_json(written),
        "candidate": as_json(candidate) if candidate else None,
        "trait": trait_json(trait) if trait else None,
    }


def _restate(connection: Connection, user_id: str, candidate_id: UUID, stands: AnyRow | None) -> AnyRow | None:
    """The candidate with the status that the person gave it; as all its packages have it, where they gave none.

    None where the candidate was erased since.
    """
    mine = (Candidate.candidate_id == candidate_id, Candidate.user_id == user_id)
    if stands is not None:
        values: dict[str, Any] = {"status": str(STATUS_AFTER[UserDecision(stands.user_decision)])}
    else:
        values = _undecided(connection, user_id, candidate_id)
    return connection.execute(
        update(Candidate)
        .where(*mine)
        .values(**{**values, "new_evidence_against": False, "updated_at": now()})
        .returning(Candidate.__table__)
    ).one_or_none()


def _undecided(connection: Connection, user_id: str, candidate_id: UUID) -> dict[str, Any]:
    found = look_up(connection, user_id, [candidate_id]).get(candidate_id)
    if found is None or not supported(found.others):
        return {"status": str(CandidateStatus.SUPERSEDED)}
    others = [row for row in decisions_of(connection, user_id) if row.candidate_id != candidate_id]
    values = combined_values(found.others, found.row["totals"], track_records(others))
    return {"status": str(CandidateStatus.CANDIDATE), **values}


def _settle(connection: Connection, written: AnyRow, stands: AnyRow | None) -> AnyRow | None:
    """A settled trait exists exactly where a confirmation stands."""
    # The words of a confirmation go with its candidate when that is erased.
    if stands is None or stands.user_decision == UserDecision.REJECTED or stands.refined_trait_name is None:
        gone = SettledTrait.trait_id == written.trait_id_in_pkg
        if written.original_candidate_id is not None:
            gone = SettledTrait.candidate_id == written.original_candidate_id
        connection.execute(delete(SettledTrait).where(SettledTrait.user_id == written.user_id, gone))
        return None
    values = {
        "candidate_id": stands.original_candidate_id,
        "trait_name": stands.refined_trait_name,
        "trait_description": stands.refined_trait_description,
        "trait_category": stands.refined_trait_category,
        "origin": str(_ORIGIN[UserDecision(stands.user_decision)]),
        "status": str(TraitStatus.ACTIVE),
        "user_confidence_rating": stands.user_confidence_rating,
        "customization_notes": stands.customization_notes,
        "updated_at": now(),
    }
    return connection.execute(
        upsert(SettledTrait)
        .values(trait_id=stands.trait_id_in_pkg, user_id=stands.user_id, created_at=now(), **values)
        .on_conflict_do_update(index_elements=["trait_id"], set_=values)
        .returning(SettledTrait.__table__)
    ).one()
