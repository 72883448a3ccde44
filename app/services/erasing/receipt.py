"""The receipt of an erasure: what there was, what there is, where was looked; signed, without personal content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update

from app.database import AnyRow, transaction
from app.errors import InvalidInput
from app.models import Erasure, LlmCall
from app.services.erasing.search import STAYING, Found
from app.services.erasing.state import REPEATS, everything_before
from app.services.planning import now
from app.vault import signer, verified
from app.vocabulary import ErasureStage, ErasureState

#: Parts of a receipt that are about the signature, and therefore not under it.
_UNSIGNED = ("publicKey", "signature")


def sign(erasure: AnyRow, found: Sequence[Found]) -> None:
    """Write the receipt and end the erasure; its canaries go with the same statement."""
    finished = now()
    with transaction() as connection:
        document = receipt(erasure, found, finished, _staying(connection, erasure))
        connection.execute(
            update(Erasure)
            .where(Erasure.erasure_id == erasure.erasure_id)
            .values(
                state=str(ErasureState.DONE),
                stage=str(ErasureStage.RECEIPT),
                receipt={**document, "publicKey": signer().public_jwk()},
                signature=signer().sign(document),
                canaries=None,
                reason=None,
                finished_at=finished,
                moved_at=finished,
            )
        )


def _staying(connection: Connection, erasure: AnyRow) -> list[str]:
    """Tables of which rows of the person stay; none of them holds their words."""
    if everything_before(erasure):
        # By law, or for proof.
        return sorted(STAYING)
    # What calls of erased packages cost stays without the package's id, or a month's budget would not hold. It goes
    # when the person does.
    nameless = (LlmCall.user_id == erasure.user_id, LlmCall.package_id.is_(None))
    return ["llm_calls"] if connection.execute(select(exists().where(*nameless))).scalar_one() else []


def receipt(erasure: AnyRow, found: Sequence[Found], finished: datetime, stays: Sequence[str]) -> dict[str, Any]:
    """The document that is signed."""
    repeats = erasure.counts.get(REPEATS)
    stores = [
        {"store": name, "before": held.get("before", 0), "after": held.get("after", 0)}
        for name, held in sorted(erasure.counts.items())
        if name != REPEATS
    ]
    return {
        "erasureID": str(erasure.erasure_id),
        "userID": erasure.user_id,
        "scope": erasure.scope,
        "repeats": repeats["erasureID"] if repeats else None,
        "packageIDs": [str(package_id) for package_id in erasure.package_ids],
        "requestedAt": erasure.requested_at.isoformat(),
        "finishedAt": finished.isoformat(),
        "keptSettled": erasure.keep_settled,
        "stores": stores,
        "search": [one.as_json() for one in found],
        "stays": [*stays],
        "clean": not any(one.found for one in found) and not any(store["after"] for store in stores),
    }


def verify(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check a receipt against its own signature and ours.

    Args:
        document: a receipt with `publicKey` and `signature`, or the erasure that holds one.

    Returns:
        `{valid, ours, clean}`: whether it is as it was signed, by this installation's key, and what it says.

    Raises:
        InvalidInput: it is no receipt.
    """
    shown = document.get("receipt", document)
    if not isinstance(shown, Mapping) or not all(name in shown for name in (*_UNSIGNED, "clean")):
        raise InvalidInput("this is no receipt of an erasure: `publicKey` or `signature` is missing")
    said = {name: value for name, value in shown.items() if name not in _UNSIGNED}
    try:
        valid = verified(str(shown["signature"]), dict(shown["publicKey"])) == said
    except (InvalidInput, ValueError, TypeError):
        valid = False
    ours = valid and shown["publicKey"].get("x") == signer().public_jwk()["x"]
    return {"valid": valid, "ours": ours, "clean": bool(shown["clean"])}
