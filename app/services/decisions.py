"""The decision log as values: what may be decided, which decision stands, and how it is said in JSON.

The log is append-only. What stands is a reading of it: an undo takes back the decision that it names, be that an undo;
of those not taken back, the last one counts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

from app.database import AnyRow
from app.errors import InvalidInput
from app.services.candidates import member
from app.vocabulary import CandidateStatus, TraitCategory, UserDecision

#: Longest name, and longest other text, in code points.
NAME_LENGTH = 120
TEXT_LENGTH = 2000
MOST_LINKED = 100

#: What a person may decide about a candidate, and the status it then has.
STATUS_AFTER = {
    UserDecision.CONFIRMED_ASIS: CandidateStatus.CONFIRMED,
    UserDecision.CONFIRMED_MODIFIED: CandidateStatus.REFINED,
    UserDecision.REJECTED: CandidateStatus.REJECTED,
}


class Entry(Protocol):
    """What replaying needs of an entry of the log."""

    @property
    def refinement_action_id(self) -> UUID:
        """Of the entry."""

    @property
    def undoes(self) -> UUID | None:
        """The entry that it takes back."""


E = TypeVar("E", bound=Entry)


def standing(log: Sequence[E]) -> E | None:
    """The decision that counts.

    Args:
        log: all entries about one candidate or trait, oldest first.

    Returns:
        The last decision that no standing undo takes back; None where there is none.
    """
    taken_back: set[UUID] = set()
    counts: E | None = None
    for entry in reversed(log):
        if entry.refinement_action_id in taken_back:
            continue
        if entry.undoes is not None:
            taken_back.add(entry.undoes)
        elif counts is None:
            counts = entry
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifications:
    """What the person says instead, or adds; None where they leave it as it is.

    Attributes:
        name: 1 to 120 code points.
        description: up to 2,000.
        category: `traitCategory`.
        rating: 1 to 5, how much the person thinks it is them.
        notes: up to 2,000.
        linked: ids of the evidence that they want to count.
    """

    name: str | None = None
    description: str | None = None
    category: TraitCategory | None = None
    rating: int | None = None
    notes: str | None = None
    linked: tuple[UUID, ...] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is said."""
        return not self.rewords and all(part is None for part in (self.rating, self.notes, self.linked))

    @property
    def rewords(self) -> bool:
        """Whether the trait itself is changed."""
        return any(part is not None for part in (self.name, self.description, self.category))

    def over(self, known: Self) -> Self:
        """These, and where nothing is said, what is known."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return replace(known, **{name: value for name, value in said.items() if value is not None})

    @classmethod
    def read(cls, said: object) -> Self:
        """Read `modifications` of an action.

        Raises:
            InvalidInput: a value is wrong; `details.field` says which.
        """
        if said is None:
            return cls()
        if not isinstance(said, Mapping):
            raise InvalidInput("modifications must be an object", field="modifications")
        known = {
            "refinedTraitName", "refinedTraitDescription", "refinedTraitCategory", "userConfidenceRating",
            "customizationNotes", "linkedEvidenceOverride",
        }  # fmt: skip
        if unknown := sorted(str(name)[:64] for name in set(said) - known):
            raise InvalidInput("modifications has unknown fields", field="modifications", unknown=unknown)
        category = said.get("refinedTraitCategory")
        return cls(
            name=name_of(said.get("refinedTraitName"), "refinedTraitName"),
            description=text_of(said.get("refinedTraitDescription"), "refinedTraitDescription"),
            category=None if category is None else member(TraitCategory, category, "refinedTraitCategory"),
            rating=rating_of(said.get("userConfidenceRating")),
            notes=text_of(said.get("customizationNotes"), "customizationNotes"),
            linked=_linked(said.get("linkedEvidenceOverride")),
        )


def read_action(action: Mapping[str, Any]) -> tuple[UserDecision, Modifications, str | None]:
    """Decision, modifications and reason of an action.

    Raises:
        InvalidInput: a value is wrong, or they do not fit together.
    """
    decision = member(UserDecision, action.get("userDecision"), "userDecision")
    if decision not in STATUS_AFTER:
        raise InvalidInput(
            "userDecision must be one that can be made about a candidate",
            field="userDecision",
            allowed=[str(one) for one in STATUS_AFTER],
        )
    said = Modifications.read(action.get("modifications"))
    reason = text_of(action.get("rejectionReason"), "rejectionReason")
    if decision is UserDecision.CONFIRMED_MODIFIED and said.empty:
        raise InvalidInput("confirmed_modified needs modifications: say what is different", field="modifications")
    if decision is not UserDecision.CONFIRMED_MODIFIED and said.rewords:
        raise InvalidInput(f"{decision} changes no wording: send confirmed_modified", field="modifications")
    if decision is not UserDecision.REJECTED and reason:
        raise InvalidInput("rejectionReason goes with rejected alone", field="rejectionReason")
    return decision, said, reason


def wording(candidate: AnyRow, stands: AnyRow | None, *, modified: bool) -> Modifications:
    """How the trait is put before this decision: as proposed, or as confirmed where that is modified."""
    # Neither a rejection has a wording, nor a confirmation whose words were erased.
    confirmed = stands if stands is not None and stands.refined_trait_name is not None else None
    proposed = Modifications(
        name=candidate.trait_name,
        description=candidate.trait_description,
        category=TraitCategory(candidate.trait_category),
    )
    if confirmed is None:
        return proposed
    if modified:
        proposed = Modifications(
            name=confirmed.refined_trait_name,
            description=confirmed.refined_trait_description,
            category=TraitCategory(confirmed.refined_trait_category),
        )
    return replace(proposed, rating=confirmed.user_confidence_rating, notes=confirmed.customization_notes)


def name_of(value: object, field: str) -> str | None:
    """A trait's name: one line.

    Raises:
        InvalidInput: it is blank, too long, or holds control characters.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{field} must not be blank", field=field)
    if len(value.strip()) > NAME_LENGTH:
        raise InvalidInput(f"{field} may have {NAME_LENGTH} characters at most", field=field)
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value.strip()):
        raise InvalidInput(f"{field} may not hold line breaks or control characters", field=field)
    return value.strip()


def text_of(value: object, field: str) -> str | None:
    """A longer text; line breaks and tabs are allowed.

    Raises:
        InvalidInput: it is no text, too long, or holds control characters.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be text", field=field)
    if len(value) > TEXT_LENGTH:
        raise InvalidInput(f"{field} may have {TEXT_LENGTH} characters at most", field=field)
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\r\t" for char in value):
        raise InvalidInput(f"{field} may not hold control characters", field=field)
    return value.strip()


def rating_of(value: object) -> int | None:
    """`userConfidenceRating`.

    Raises:
        InvalidInput: it is not a whole number from 1 to 5.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 5:
        raise InvalidInput("userConfidenceRating must be 1, 2, 3, 4 or 5", field="userConfidenceRating")
    return value


def _linked(value: object) -> tuple[UUID, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_LINKED:
        raise InvalidInput(
            f"linkedEvidenceOverride must list {MOST_LINKED} evidenceIDs at most", field="linkedEvidenceOverride"
        )
    return tuple(identity_of(one, "linkedEvidenceOverride") for one in value)


def identity_of(value: object, field: str) -> UUID:
    """An id.

    Raises:
        InvalidInput: it is no UUID.
    """
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidInput(f"{field} must be a UUID", field=field) from None


def decision_json(row: AnyRow) -> dict[str, Any]:
    """`UserRefinedTrait` of design.md section 2, with `rejectionReason` and `undoes`."""
    return {
        "refinementActionID": str(row.refinement_action_id),
        "userID": row.user_id,
        "traitID_in_pkg": str(row.trait_id_in_pkg) if row.trait_id_in_pkg else None,
        "originalCandidateID": str(row.original_candidate_id) if row.original_candidate_id else None,
        "userDecision": row.user_decision,
        "refinedTraitName": row.refined_trait_name,
        "refinedTraitDescription": row.refined_trait_description,
        "refinedTraitCategory": row.refined_trait_category,
        "userConfidenceRating": row.user_confidence_rating,
        "customizationNotes": row.customization_notes,
        "rejectionReason": row.rejection_reason,
        "linkedEvidenceOverride": row.linked_evidence_override,
        "undoes": str(row.undoes) if row.undoes else None,
        "actionTimestamp": row.action_timestamp.isoformat(),
    }


def trait_json(row: AnyRow) -> dict[str, Any]:
    """A settled trait."""
    return {
        "traitID_in_pkg": str(row.trait_id),
        "userID": row.user_id,
        "originalCandidateID": str(row.candidate_id) if row.candidate_id else None,
        "traitName": row.trait_name,
        "traitDescription": row.trait_description,
        "traitCategory": row.trait_category,
        "origin": row.origin,
        "status": row.status,
        "userConfidenceRating": row.user_confidence_rating,
        "customizationNotes": row.customization_notes,
        "creationTimestamp": row.created_at.isoformat(),
        "lastUpdatedTimestamp": row.updated_at.isoformat(),
    }
