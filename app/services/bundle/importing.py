"""Bringing a bundle back: checked whole first, then restored in one transaction, objects before rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, and_, insert, or_, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from app.consent import ledger
from app.database import transaction
from app.errors import Conflict, EchoError, InvalidInput, StoreUnavailable
from app.features import feature_store
from app.models import Erasure, GraphOutbox
from app.services import graph, layers
from app.services.bundle.reading import Reader, Signed, opened
from app.services.bundle.restoring import Restoring
from app.services.bundle.tables import CANDIDATES, DECISIONS, LAYERS, PACKAGES, TRAITS, Table
from app.services.candidates import hold_person
from app.vault import delete_objects
from app.vocabulary import ErasureScope

log = structlog.get_logger()


@dataclass(slots=True)
class Restored:
    """What an import did.

    Attributes:
        user_id: whose data it is.
        signed: who signed the bundle.
        sources: the uploads were in the bundle.
        expected_digest: of the graph that was exported.
        unchanged: it was there already, and nothing was written.
        counts: what was restored, by kind.
        graph_digest: of the graph as its store has it now; None while the store does not answer.
    """

    user_id: str
    signed: Signed
    sources: bool
    expected_digest: str
    unchanged: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    graph_digest: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "userID": self.user_id,
            "status": "unchanged" if self.unchanged else "restored",
            "sources": self.sources,
            "signedBy": {"keyID": self.signed.key_id, "ours": self.signed.ours, "trusted": self.signed.trusted},
            "counts": self.counts,
            "graphDigest": self.graph_digest,
            "exportedGraphDigest": self.expected_digest,
            "graphEqual": self.graph_digest == self.expected_digest,
        }


def restore(file: Path, *, user_id: str | None = None, trust: dict[str, Any] | None = None) -> Restored:
    """Bring a bundle back.

    Args:
        file: the zip.
        user_id: whose it must be; whoever's it is where None.
        trust: the public key (JWK) that must have signed it. Without one, consents of a bundle that somebody else
            signed are recorded as ended: whether they were given cannot be told.

    Raises:
        InvalidInput: it is no bundle, was changed, does not hold together, or is another person's.
        TooLarge: it is larger than a bundle would be.
        Conflict: the person has other data here.
        StoreUnavailable: a store does not answer; nothing is left of the attempt.
    """
    with opened(file, trust) as bundle:
        if user_id is not None and bundle.user_id != user_id:
            raise InvalidInput(
                "the bundle is another person's, and its ids are made from theirs: leave the user out, or name that one"
            )
        result = Restored(
            user_id=bundle.user_id,
            signed=bundle.signed,
            sources=bundle.sources,
            expected_digest=bundle.manifest["graphDigest"],
        )
        with _all_or_nothing(bundle.user_id) as touched, transaction() as connection:
            # Consent before person, as everybody takes them (docs/decisions/0008).
            ledger.head(connection, bundle.user_id)
            hold_person(connection, bundle.user_id)
            result.unchanged = _is_there(connection, bundle)
            if not result.unchanged:
                _must_not_be_erased(connection, bundle)
                result.counts = Restoring(connection, bundle, touched).run()
                connection.execute(insert(GraphOutbox), {"user_id": bundle.user_id, "cause": "merge"})
    layers.forget(result.user_id)
    result.graph_digest = _projected(result.user_id)
    return result


@contextmanager
def _all_or_nothing(user_id: str) -> Iterator[list[UUID]]:
    """Take back what is outside of PostgreSQL where the transaction fails, and say why in our own words."""
    touched: list[UUID] = []
    try:
        yield touched
    except BaseException as error:
        for package_id in touched:
            _take_back(user_id, package_id)
        if isinstance(error, IntegrityError):
            raise Conflict("ids of the bundle are in use for something else here: nothing was imported") from error
        if isinstance(error, DataError | KeyError | TypeError | ValueError | AttributeError | IndexError):
            raise InvalidInput("the bundle does not hold together: nothing was imported") from error
        raise


def _take_back(user_id: str, package_id: UUID) -> None:
    """Garbage that stays where this fails is unreadable: the key that would open it was never stored."""
    try:
        delete_objects(user_id, package_id)
        feature_store().delete_package(user_id, package_id)
    except (EchoError, SQLAlchemyError) as error:
        log.warning("import_left_objects", package=str(package_id), error=type(error).__name__)


def _is_there(connection: Connection, bundle: Reader) -> bool:
    """Whether the person has what is in the bundle; False where they have nothing.

    Raises:
        Conflict: they have something else.
    """
    checked = {PACKAGES: "packageID", CANDIDATES: "candidateID", DECISIONS: "refinementActionID"}
    checked |= {TRAITS: "traitID_in_pkg"} | ({LAYERS: "textLayerID"} if bundle.sources else {})
    here = {table.name: _ids(connection, bundle.user_id, table, name) for table, name in checked.items()}
    if not any(here.values()):
        return False
    told: Mapping[str, set[str]] = {
        table.name: {str(row[name]) for row in bundle.rows(table.member)} for table, name in checked.items()
    }
    # A candidate all of whose evidence was forged is left out, so that there may be fewer here.
    if all(here[name] == ids or (name == CANDIDATES.name and here[name] <= ids) for name, ids in told.items()):
        return True
    raise Conflict("this person has other data here: erase it first (`echosphere erase --all`), or import elsewhere")


def _must_not_be_erased(connection: Connection, bundle: Reader) -> None:
    """An erasure is not undone by a bundle from before it: what comes back would only be erased again.

    Raises:
        Conflict: packages of the bundle, or all that was known of the person, were erased here.
    """
    packages = [UUID(row["packageID"]) for row in bundle.rows(PACKAGES.member)]
    exported = datetime.fromisoformat(bundle.manifest["createdAt"])
    erased = select(Erasure.erasure_id).where(
        Erasure.user_id == bundle.user_id,
        or_(
            Erasure.package_ids.overlap(packages),
            and_(Erasure.scope == str(ErasureScope.USER), Erasure.requested_at > exported),
        ),
    )
    if connection.execute(erased.limit(1)).first() is not None:
        raise Conflict("what is in the bundle was erased here, and an erasure is for good: import it elsewhere")


def _ids(connection: Connection, user_id: str, table: Table, name: str) -> set[str]:
    columns = table.model.__table__.c
    query = select(columns[table.fields[name]]).where(columns.user_id == user_id)
    return {str(identity) for identity in connection.execute(query).scalars()}


def _projected(user_id: str) -> str | None:
    try:
        return graph.rebuild(user_id)[user_id]
    except StoreUnavailable:
        return None
