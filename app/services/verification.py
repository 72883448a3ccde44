"""Every stored passage against its text: what an operator runs after a restore, an upgrade, or on a doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection, select

from app.database import AnyRow, transaction
from app.models import EvidenceSnippet, UserDataPackage
from app.services import access
from app.services.candidates import layers_of, snippet_of
from app.vocabulary import AccessAction

#: `verifiedBy` of evidence that was imported without its sources.
UNPROVEN = "unproven"
#: Rows fetched at once.
BATCH = 1000


@dataclass(slots=True)
class Verified:
    """What a check of evidence found.

    Attributes:
        literal: passages that equal their text layer at their place.
        measured: pieces without words: seconds of a recording.
        unproven: passages that were imported without their sources, and are not shown.
        wrong: ids of those whose text is gone or says something else.
    """

    literal: int = 0
    measured: int = 0
    unproven: int = 0
    wrong: list[UUID] = field(default_factory=list)


def verify_evidence(user_id: str | None = None) -> Verified:
    """Check one person's evidence, or everybody's; each text layer is decrypted once, and one at a time."""
    found, people = Verified(), set[str]()
    with transaction() as connection:
        for _, group in groupby(_pieces(connection, user_id), lambda piece: piece.text_layer_id):
            pieces = [*group]
            if (person := pieces[0].user_id) not in people:
                people.add(person)
                access.record(None, person, access.OPERATOR, AccessAction.READ_EVIDENCE, "verify-evidence")
            layers = layers_of(connection, person, pieces[:1])
            for piece in pieces:
                if piece.text_layer_id is None:
                    found.measured += 1
                elif piece.verified_by == UNPROVEN:
                    found.unproven += 1
                elif snippet_of(piece, layers) is None:
                    found.wrong.append(piece.evidence_id)
                else:
                    found.literal += 1
    return found


def _pieces(connection: Connection, user_id: str | None) -> Iterator[AnyRow]:
    statement = (
        select(EvidenceSnippet.__table__, UserDataPackage.file_name)
        .join(UserDataPackage, UserDataPackage.package_id == EvidenceSnippet.package_id, isouter=True)
        .order_by(EvidenceSnippet.user_id, EvidenceSnippet.text_layer_id, EvidenceSnippet.evidence_id)
    )
    if user_id is not None:
        statement = statement.where(EvidenceSnippet.user_id == user_id)
    yield from connection.execution_options(yield_per=BATCH).execute(statement)
