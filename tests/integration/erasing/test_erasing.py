"""An erasure takes everything that rests on a package, keeps what rests on others, and proves it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from app.database import transaction
from app.errors import InvalidInput, NotFound
from app.features import feature_store
from app.models import Base
from app.pkg import graph_store
from app.services import consents, erasing, packages, review, styles
from app.services.candidates import Query, list_candidates
from app.services.erasing import consequences, receipt, search
from app.services.merge import merge
from app.services.reconcile import tick
from app.vault import objects_of
from config.settings import settings
from tests.integration.persona import WORDS, Person, dump, finding
from tests.integration.rows.conftest import Line

CarriedOut = Callable[[dict[str, Any]], dict[str, Any]]

CONFIRM = {"userDecision": "confirmed_asis"}
REJECT = {"userDecision": "rejected", "rejectionReason": "never said that"}
CHESS = finding("habit:chess:high", "Thinks of chess", evidence=["Perhaps I think too much about chess."])
#: Another text that asks as much; the test's own analyzer keeps the passages it was told, so that no two share one.
LETTER = (
    "Have you ever wondered where the swallows go? Did the old clock tower strike thirteen again? "
    "Could anybody explain the ferry timetable to me? The lighthouse was painted green on Tuesday. "
)
ASKED = [sentence + "?" for sentence in LETTER.split("? ")[:3]]
UNIQUE = WORDS + "The lighthouse keeper's parrot recited sonnets backwards on Sundays."


def settled(person: Person) -> list[dict[str, Any]]:
    return review.list_traits(person.user_id)[0]


def before_after(done: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {store["store"]: (store["before"], store["after"]) for store in done["receipt"]["stores"]}


def candidate_of(person: Person, key: str = "habit:questions:high") -> UUID:
    return UUID(str(person.candidates()[key].candidate_id))


def test_all_that_rests_on_a_package_goes_and_the_receipt_says_so(person: Person, carried_out: CarriedOut) -> None:
    package = person.package(UNIQUE)
    merge(person.analysed(package, finding()))
    begun = erasing.erase_package(person.user_id, package)
    assert (begun["state"], begun["scope"], begun["packageIDs"]) == ("queued", "package", [str(package)])
    done = carried_out(begun)
    assert done["receipt"]["clean"], done
    figures = before_after(done)
    for store in ("keys", "objects", "features", "candidates", "contributions", "evidence", "packages", "textLayers"):
        assert figures[store][0] > 0, store
        assert figures[store][1] == 0, store
    assert {one["store"] for one in done["receipt"]["search"]} == {
        "postgresql", "features", "graph", "objects", "results", "broker", "logs",
    }  # fmt: skip
    assert all(one["searched"] and not one["found"] for one in done["receipt"]["search"])
    assert not person.candidates()
    assert not person.evidence()
    assert feature_store().of_package(person.user_id, package) == []
    assert objects_of(person.user_id, package) == []
    assert graph_store().count(person.user_id) == 0
    with pytest.raises(NotFound):
        packages.status(person.user_id, package)


def test_what_another_package_bears_out_stays_and_is_what_it_were_without_the_erased_one(
    person: Person, carried_out: CarriedOut
) -> None:
    kept = person.package()
    merge(person.analysed(kept, finding(occurrences=4), CHESS))
    alone = {key: row._asdict() for key, row in person.candidates().items()}
    gone = person.package(LETTER)
    merge(person.analysed(gone, finding(evidence=ASKED, occurrences=90, own_words=9000, description="90 of 100.")))
    both = person.candidates()["habit:questions:high"]
    assert both.confidence_score != alone["habit:questions:high"]["confidence_score"]
    preview = consequences.of_package(person.user_id, gone)
    assert (preview["total"], preview["candidatesThatStay"]) == ({"candidates": 0, "settledTraits": 0}, 1)
    assert carried_out(erasing.erase_package(person.user_id, gone))["receipt"]["clean"]
    after = {key: row._asdict() for key, row in person.candidates().items()}
    for key, values in after.items():
        assert {**values, "updated_at": None} == {**alone[key], "updated_at": None}
    assert {row.package_id for row in person.evidence()} == {kept}
    assert list_candidates(person.user_id, Query())[0][0]["evidenceLeftOut"] == 0


def test_a_settled_trait_with_other_support_keeps_it(person: Person, carried_out: CarriedOut) -> None:
    kept, gone = person.package(), person.package(LETTER)
    merge(person.analysed(kept, finding()))
    merge(person.analysed(gone, finding(evidence=ASKED)))
    review.act(person.user_id, candidate_of(person), CONFIRM)
    before = settled(person)
    assert carried_out(erasing.erase_package(person.user_id, gone))["receipt"]["clean"]
    assert settled(person) == before
    assert person.candidates()["habit:questions:high"].status == "confirmed_by_user"
    assert {row.package_id for row in person.evidence()} == {kept}


@pytest.mark.parametrize("keep", [False, True])
def test_a_settled_trait_that_rests_on_nothing_else_goes_or_stays_as_the_persons_own(
    person: Person, carried_out: CarriedOut, keep: bool
) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    candidate = candidate_of(person)
    notes = {"customizationNotes": "my grandmother said so too"}
    review.act(
        person.user_id,
        candidate,
        {"userDecision": "confirmed_modified", "modifications": {"refinedTraitName": "Curious", **notes}},
    )
    preview = consequences.of_package(person.user_id, package)
    assert [trait["traitName"] for trait in preview["settledTraits"]] == ["Curious"]
    done = carried_out(erasing.erase_package(person.user_id, package, keep_settled=keep))
    assert done["receipt"]["clean"], done
    assert done["receipt"]["keptSettled"] is keep
    assert not person.candidates()
    log = review.history(person.user_id)[0]
    about = [entry for entry in log if entry["originalCandidateID"] == str(candidate)]
    assert all(entry["refinedTraitName"] is None and entry["customizationNotes"] is None for entry in about)
    if not keep:
        assert settled(person) == []
        assert "grandmother" not in dump()
        return
    (trait,) = settled(person)
    assert (trait["traitName"], trait["origin"], trait["originalCandidateID"]) == ("Curious", "user_defined", None)
    added = next(entry for entry in log if entry["userDecision"] == "user_added_confirmed")
    review.undo(person.user_id, UUID(added["refinementActionID"]))
    assert settled(person) == []


def test_a_rejection_holds_although_its_words_are_gone(person: Person, carried_out: CarriedOut) -> None:
    gone = person.package()
    merge(person.analysed(gone, finding()))
    candidate = candidate_of(person)
    review.act(person.user_id, candidate, REJECT)
    assert carried_out(erasing.erase_package(person.user_id, gone))["receipt"]["clean"]
    assert "never said that" not in dump()
    merge(person.analysed(person.package(), finding()))
    assert person.candidates()["habit:questions:high"].status == "rejected_by_user"
    outcome = review.act(person.user_id, candidate, {"undo": True})
    assert outcome["candidate"]["status"] == "candidate"


def test_decisions_whose_words_were_erased_can_be_taken_back_and_made_again(
    person: Person, carried_out: CarriedOut
) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    candidate = candidate_of(person)
    review.act(person.user_id, candidate, CONFIRM)
    rejected = review.act(person.user_id, candidate, REJECT)["decision"]["refinementActionID"]
    carried_out(erasing.erase_package(person.user_id, package))
    assert review.undo(person.user_id, UUID(rejected))["trait"] is None
    merge(person.analysed(person.package(), finding()))
    said = {"userDecision": "confirmed_modified", "modifications": {"refinedTraitName": "Asks"}}
    assert review.act(person.user_id, candidate, said)["trait"]["traitName"] == "Asks"


@pytest.mark.parametrize("keep", [False, True])
def test_everything_of_a_person_goes_but_the_ledger(person: Person, carried_out: CarriedOut, keep: bool) -> None:
    for _ in range(3):
        merge(person.analysed(person.package(UNIQUE), finding(), CHESS))
    review.act(person.user_id, candidate_of(person), CONFIRM)
    review.act(person.user_id, candidate_of(person, "habit:chess:high"), REJECT)
    styles.put_styles(person.user_id, {"tone": "warm"})
    preview = consequences.of_user(person.user_id)
    assert (preview["packages"], preview["total"]["candidates"], preview["styles"]) == (3, 2, True)
    begun = erasing.erase_user(person.user_id, keep_settled=keep)
    done = carried_out(begun)
    assert done["receipt"]["clean"], done
    assert done["receipt"]["stays"] == ["access_log", "consent_ledger", "erasures"]
    assert [one["status"] for one in consents.listed(person.user_id)] == ["revoked"]
    assert [trait["traitName"] for trait in settled(person)] == (["Asks a lot of questions"] if keep else [])
    assert styles.get_styles(person.user_id)["preferences"] == {}
    assert review.history(person.user_id)[1] == int(keep)
    assert bool(graph_store().count(person.user_id)) is keep
    for name in ("packages", "runs", "steps", "candidates", "evidence", "raw_features", "package_keys"):
        table = Base.metadata.tables[name]
        with transaction() as connection:
            assert connection.execute(select(table).where(table.c.user_id == person.user_id)).all() == [], name
    assert erasing.erase_user(person.user_id, keep_settled=keep)["erasureID"] == begun["erasureID"]


def test_what_is_given_after_the_request_stays(person: Person, carried_out: CarriedOut) -> None:
    merge(person.analysed(person.package(), finding()))
    review.act(person.user_id, candidate_of(person), CONFIRM)
    begun = erasing.erase_user(person.user_id)
    person.__post_init__()
    new = person.package(LETTER)
    merge(person.analysed(new, finding(evidence=ASKED)))
    assert carried_out(begun)["receipt"]["clean"]
    assert packages.status(person.user_id, new)["runStatus"] == "done"
    assert {row.package_id for row in person.evidence()} == {new}
    assert {row.status for row in person.candidates().values()} == {"candidate"}
    assert settled(person) == []


def test_asked_for_again_it_is_the_same_erasure_and_somebody_elses_is_not_there(
    person: Person, carried_out: CarriedOut
) -> None:
    package, other = person.package(), Person()
    with pytest.raises(NotFound):
        erasing.erase_package(other.user_id, package)
    begun = erasing.erase_package(person.user_id, package)
    assert erasing.erase_package(person.user_id, package)["erasureID"] == begun["erasureID"]
    done = carried_out(begun)
    assert erasing.erase_package(person.user_id, package) == done
    with pytest.raises(NotFound):
        erasing.one(other.user_id, UUID(begun["erasureID"]))
    with pytest.raises(NotFound):
        erasing.erase_package(person.user_id, uuid4())
    assert erasing.listed(other.user_id) == ([], 0)
    assert erasing.listed(person.user_id) == ([done], 1)


def test_revoking_a_consent_erases_what_was_given_under_it(person: Person, carried_out: CarriedOut) -> None:
    under = person.package(UNIQUE)
    merge(person.analysed(under, finding(), CHESS))
    revoked, other = person.consent, Person.__post_init__(person)
    assert other is None
    kept = person.package(LETTER)
    merge(person.analysed(kept, finding(evidence=ASKED)))
    ended = consents.revoke(person.user_id, revoked)
    assert ended["status"] == "revoked"
    assert consents.revoke(person.user_id, revoked) == ended
    done = carried_out(erasing.one(person.user_id, UUID(ended["erasureID"])))
    assert (done["scope"], done["receipt"]["clean"], done["packageIDs"]) == ("consent", True, [str(under)])
    assert consents.revoke(person.user_id, revoked) == ended
    assert {row.package_id for row in person.evidence()} == {kept}
    assert [*person.candidates()] == ["habit:questions:high"]


def test_nothing_given_under_a_consent_is_nothing_to_erase(person: Person) -> None:
    assert consents.revoke(person.user_id, person.consent)["erasureID"] is None


def test_from_the_request_on_nothing_can_be_read_and_no_analysis_begins(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    erasing.erase_package(person.user_id, package)
    with pytest.raises(NotFound):
        packages.layer_text(person.user_id, package)
    with pytest.raises(NotFound):
        packages.analyse_again(person.user_id, package, Line())
    assert list_candidates(person.user_id, Query())[0][0]["supportingEvidenceSnippets"] == []


def test_messages_that_still_wait_end_at_once(person: Person, carried_out: CarriedOut) -> None:
    from app.services.analyse import run_lane
    from app.services.interpret import interpret

    package = person.package()
    run = person.analysed(package, finding())
    carried_out(erasing.erase_package(person.user_id, package))
    assert run_lane(run, "text").ended == {}
    assert interpret(run) is None
    assert merge(run).state is None
    line = Line()
    tick(line)
    assert run not in [published[0] for published in line.published]


def test_a_receipt_that_was_changed_is_known(person: Person, carried_out: CarriedOut) -> None:
    done = carried_out(erasing.erase_package(person.user_id, person.package()))
    assert receipt.verify(json.loads(json.dumps(done))) == {"valid": True, "ours": True, "clean": True}
    for name, value in (("clean", False), ("userID", "somebody"), ("stores", []), ("packageIDs", [])):
        changed = receipt.verify({**done["receipt"], name: value})
        assert (changed["valid"], changed["ours"]) == (False, False)
    with pytest.raises(InvalidInput):
        receipt.verify({"clean": True})


def test_what_is_left_somewhere_is_found_and_said(person: Person, carried_out: CarriedOut) -> None:
    """Copies that no stage knows of: in a result, in a message, in a log, in a row."""
    from app.tasks.app import celery

    package = person.package(UNIQUE)
    merge(person.analysed(package, finding()))
    begun = erasing.erase_package(person.user_id, package)
    phrase = "recited sonnets backwards on"
    client = celery().backend.client
    log = settings().home / "logs" / "left-behind.log"
    log.parent.mkdir(exist_ok=True)
    styles.put_styles(person.user_id, {"motto": f"keeper's parrot {package}"})
    try:
        client.set("left-behind", json.dumps({"result": str(package)}))
        log.write_text("x" * 5000 + WORDS + "y" * 5000)
        done = carried_out(begun)
    finally:
        client.delete("left-behind")
        log.unlink()
    found = {one["store"]: one["found"] for one in done["receipt"]["search"] if one["found"]}
    assert done["receipt"]["clean"] is False, phrase
    assert found.keys() == {"results", "logs", "postgresql", "graph"}


def test_no_canary_outlasts_the_receipt_and_none_is_plain_before(person: Person, carried_out: CarriedOut) -> None:
    package = person.package(UNIQUE, note="a client's own remark on the whole package")
    begun = erasing.erase_package(person.user_id, package)
    with transaction() as connection:
        kept = connection.execute(
            text("SELECT canaries, erasures::text AS shown FROM erasures WHERE erasure_id = :id"),
            {"id": begun["erasureID"]},
        ).one()
    assert kept.canaries is not None
    assert "parrot" not in kept.shown
    assert b"parrot" not in bytes(kept.canaries)
    assert b"I work as a printer" not in bytes(kept.canaries)
    carried_out(begun)
    with transaction() as connection:
        left = connection.execute(
            text("SELECT canaries FROM erasures WHERE erasure_id = :id"), {"id": begun["erasureID"]}
        ).scalar()
    assert left is None


def test_a_package_that_cannot_be_opened_is_erased_all_the_same(person: Person, carried_out: CarriedOut) -> None:
    package = person.package()
    with transaction() as connection:
        connection.execute(
            text("UPDATE package_keys SET wrapped_key = 'spoilt' WHERE package_id = :id"), {"id": package}
        )
    assert carried_out(erasing.erase_package(person.user_id, package))["receipt"]["clean"]


def test_needles_leave_out_what_the_person_keeps(person: Person) -> None:
    review.add_trait(
        person.user_id,
        {"traitName": "Own", "traitCategory": "Other", "traitDescription": "I never miss a morning by the river."},
    )
    begun = erasing.erase_package(person.user_id, person.package())
    with transaction() as connection:
        row = connection.execute(
            text("SELECT * FROM erasures WHERE erasure_id = :id"), {"id": begun["erasureID"]}
        ).one()
    needles = search.needles_of(row, ["I never miss a morning by", "Why would anybody not ask"])
    assert needles.words == ["Why would anybody not ask"]
