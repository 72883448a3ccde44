"""Review: the person's word is law, is kept in a log, and can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Conflict, EchoError, InvalidInput, NotFound
from app.services import review, styles
from app.services.candidates import IN_LIST, Query, SortField, list_candidates, one_candidate
from app.services.decisions import standing
from app.services.merge import merge
from app.vocabulary import CandidateStatus, ClaimKind, TraitCategory
from tests.integration.persona import WORDS, Person, finding

CONFIRM = {"userDecision": "confirmed_asis"}
REJECT = {"userDecision": "rejected", "rejectionReason": "not me"}
UNDO = {"undo": True}


def modify(**said: object) -> dict[str, Any]:
    return {"userDecision": "confirmed_modified", "modifications": said}


@pytest.fixture
def candidate(person: Person) -> UUID:
    """One candidate of the person."""
    merge(person.analysed(person.package(), finding()))
    (row,) = person.candidates().values()
    return UUID(str(row.candidate_id))


def settled(person: Person) -> list[dict[str, Any]]:
    return review.list_traits(person.user_id)[0]


def test_confirming_settles_the_trait_as_it_was_proposed(person: Person, candidate: UUID) -> None:
    outcome = review.act(person.user_id, candidate, CONFIRM)
    assert outcome["candidate"]["status"] == one_candidate(person.user_id, candidate)["status"] == "confirmed_by_user"
    (trait,) = settled(person)
    assert trait == outcome["trait"]
    assert (trait["traitName"], trait["origin"], trait["status"]) == (
        "Asks a lot of questions",
        "ai_confirmed_user",
        "active",
    )
    assert trait["originalCandidateID"] == str(candidate)
    assert outcome["decision"]["traitID_in_pkg"] == trait["traitID_in_pkg"]
    assert person.outbox() == ["merge", "decision"]


def test_modifying_settles_the_persons_own_words_and_leaves_the_proposal(person: Person, candidate: UUID) -> None:
    said = modify(
        refinedTraitName=" Curious ", refinedTraitCategory="Other", userConfidenceRating=4, customizationNotes="yes\nso"
    )
    outcome = review.act(person.user_id, candidate, said)
    (trait,) = settled(person)
    assert (trait["traitName"], trait["traitCategory"], trait["origin"]) == ("Curious", "Other", "ai_refined_user")
    assert trait["traitDescription"] == outcome["candidate"]["traitDescription"]
    assert (trait["userConfidenceRating"], trait["customizationNotes"]) == (4, "yes\nso")
    assert (outcome["candidate"]["status"], outcome["candidate"]["traitName"]) == (
        "refined_by_user",
        "Asks a lot of questions",
    )


def test_a_second_modification_keeps_what_it_does_not_mention(person: Person, candidate: UUID) -> None:
    review.act(person.user_id, candidate, modify(refinedTraitName="Curious", userConfidenceRating=5))
    review.act(person.user_id, candidate, modify(refinedTraitDescription="Since I was a child."))
    (trait,) = settled(person)
    assert (trait["traitName"], trait["traitDescription"]) == ("Curious", "Since I was a child.")
    assert trait["userConfidenceRating"] == 5
    review.act(person.user_id, candidate, CONFIRM)
    assert settled(person)[0]["traitName"] == "Asks a lot of questions"


def test_rejecting_settles_nothing_and_takes_a_settled_trait_away(person: Person, candidate: UUID) -> None:
    assert review.act(person.user_id, candidate, REJECT)["trait"] is None
    assert settled(person) == []
    review.act(person.user_id, candidate, CONFIRM)
    assert len(settled(person)) == 1
    outcome = review.act(person.user_id, candidate, REJECT)
    assert settled(person) == []
    assert outcome["decision"]["rejectionReason"] == "not me"
    assert outcome["candidate"]["status"] == "rejected_by_user"


def test_undoing_goes_back_one_decision_at_a_time_and_is_logged(person: Person, candidate: UUID) -> None:
    for action in (CONFIRM, modify(refinedTraitName="Curious"), REJECT):
        review.act(person.user_id, candidate, action)
    states = []
    for _ in range(3):
        outcome = review.act(person.user_id, candidate, UNDO)
        states.append((outcome["candidate"]["status"], [trait["traitName"] for trait in settled(person)]))
    assert states == [
        ("refined_by_user", ["Curious"]),
        ("confirmed_by_user", ["Asks a lot of questions"]),
        ("candidate", []),
    ]
    log, total = review.history(person.user_id)
    assert total == 6
    assert [entry["userDecision"] for entry in log] == [
        "superseded", "superseded", "superseded", "rejected", "confirmed_modified", "confirmed_asis",
    ]  # fmt: skip
    assert [entry["undoes"] for entry in log[:3]] == [log[n]["refinementActionID"] for n in (5, 4, 3)]
    with pytest.raises(Conflict):
        review.act(person.user_id, candidate, UNDO)


def test_an_undo_can_be_undone(person: Person, candidate: UUID) -> None:
    review.act(person.user_id, candidate, modify(refinedTraitName="Curious"))
    taken_back = review.act(person.user_id, candidate, {"userDecision": "undo"})["decision"]
    outcome = review.undo(person.user_id, UUID(taken_back["refinementActionID"]))
    assert outcome["candidate"]["status"] == "refined_by_user"
    assert settled(person)[0]["traitName"] == "Curious"


def test_a_decision_under_a_later_one_or_taken_back_already_cannot_be_undone(person: Person, candidate: UUID) -> None:
    first = UUID(review.act(person.user_id, candidate, CONFIRM)["decision"]["refinementActionID"])
    second = UUID(review.act(person.user_id, candidate, REJECT)["decision"]["refinementActionID"])
    with pytest.raises(Conflict):
        review.undo(person.user_id, first)
    review.undo(person.user_id, second)
    with pytest.raises(Conflict):
        review.undo(person.user_id, second)
    assert review.history(person.user_id)[1] == 3
    assert one_candidate(person.user_id, candidate)["status"] == "confirmed_by_user"


def test_a_settled_trait_keeps_its_id_through_every_change(person: Person, candidate: UUID) -> None:
    ids = set()
    for action in (CONFIRM, modify(refinedTraitName="Curious"), REJECT, UNDO):
        trait = review.act(person.user_id, candidate, action)["trait"]
        ids.add(trait["traitID_in_pkg"] if trait else None)
    assert len(ids - {None}) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=30))
def test_what_stands_is_the_last_decision_that_no_standing_undo_takes_back(moves: list[int | None]) -> None:
    """Against a plain reading from the front: an undo removes its target and, being removed, gives it back."""

    log: list[SimpleNamespace] = []
    for move in moves:
        undoes = log[move % len(log)].refinement_action_id if move is not None and log else None
        log.append(SimpleNamespace(refinement_action_id=uuid4(), undoes=undoes))

    def stands(entry: SimpleNamespace) -> bool:
        return not any(other.undoes == entry.refinement_action_id and stands(other) for other in log)

    decisions = [entry for entry in log if entry.undoes is None and stands(entry)]
    assert standing(log) is (decisions[-1] if decisions else None)


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"userDecision": "maybe"}, "userDecision"),
        ({}, "userDecision"),
        ({"userDecision": "user_added_confirmed"}, "userDecision"),
        ({"userDecision": "superseded"}, "userDecision"),
        ({"userDecision": "confirmed_modified"}, "modifications"),
        (modify(), "modifications"),
        (modify(surprise=1), "modifications"),
        ({"userDecision": "confirmed_modified", "modifications": ["x"]}, "modifications"),
        ({"userDecision": "confirmed_asis", "modifications": {"refinedTraitName": "x"}}, "modifications"),
        ({"userDecision": "confirmed_asis", "rejectionReason": "x"}, "rejectionReason"),
        ({"userDecision": "rejected", "rejectionReason": "x\x00"}, "rejectionReason"),
        (modify(refinedTraitName=" "), "refinedTraitName"),
        (modify(refinedTraitName="x" * 121), "refinedTraitName"),
        (modify(refinedTraitName="a\nb"), "refinedTraitName"),
        (modify(refinedTraitName="a\x07b"), "refinedTraitName"),
        (modify(refinedTraitName="a\ud800b"), "refinedTraitName"),
        (modify(refinedTraitName=7), "refinedTraitName"),
        (modify(refinedTraitDescription="x" * 2001), "refinedTraitDescription"),
        (modify(refinedTraitCategory="Nonsense"), "refinedTraitCategory"),
        (modify(userConfidenceRating=0), "userConfidenceRating"),
        (modify(userConfidenceRating=6), "userConfidenceRating"),
        (modify(userConfidenceRating=True), "userConfidenceRating"),
        (modify(userConfidenceRating=2.5), "userConfidenceRating"),
        (modify(linkedEvidenceOverride=["no id"]), "linkedEvidenceOverride"),
        (modify(linkedEvidenceOverride=[str(uuid4())]), "linkedEvidenceOverride"),
        (modify(linkedEvidenceOverride="abc"), "linkedEvidenceOverride"),
    ],
)
def test_a_wrong_action_is_refused_with_its_field_and_changes_nothing(
    person: Person, candidate: UUID, action: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        review.act(person.user_id, candidate, action)
    assert refused.value.details["field"] == field
    assert one_candidate(person.user_id, candidate)["status"] == "candidate"
    assert review.history(person.user_id) == ([], 0)


def test_evidence_that_counts_for_the_person_is_linked(person: Person, candidate: UUID) -> None:
    linked = [str(person.evidence()[0].evidence_id)]
    decision = review.act(person.user_id, candidate, modify(linkedEvidenceOverride=linked))["decision"]
    assert decision["linkedEvidenceOverride"] == linked


def test_another_persons_candidate_and_decision_are_not_found(person: Person, candidate: UUID) -> None:
    entry = UUID(review.act(person.user_id, candidate, CONFIRM)["decision"]["refinementActionID"])
    other = Person()
    for attempt in (
        lambda: one_candidate(other.user_id, candidate),
        lambda: review.act(other.user_id, candidate, REJECT),
        lambda: review.act(other.user_id, candidate, UNDO),
        lambda: review.undo(other.user_id, entry),
        lambda: review.act_many(other.user_id, [{"candidateID": str(candidate), **REJECT}]),
        lambda: review.act_many(other.user_id, [{"refinementActionID": str(entry)}]),
        lambda: review.act(person.user_id, uuid4(), CONFIRM),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert (settled(other), review.history(other.user_id), list_candidates(other.user_id)) == ([], ([], 0), ([], 0))
    assert one_candidate(person.user_id, candidate)["status"] == "confirmed_by_user"


def test_a_decision_about_an_older_version_is_a_conflict(person: Person, candidate: UUID) -> None:
    seen = one_candidate(person.user_id, candidate)["version"]
    review.act(person.user_id, candidate, CONFIRM, expected_version=seen)
    with pytest.raises(Conflict) as refused:
        review.act(person.user_id, candidate, REJECT, expected_version=seen)
    assert refused.value.details["version"] == one_candidate(person.user_id, candidate)["version"] != seen


def test_decisions_at_the_same_moment_are_taken_one_after_another(person: Person, candidate: UUID) -> None:
    seen = one_candidate(person.user_id, candidate)["version"]

    def attempt(action: dict[str, Any]) -> bool:
        try:
            review.act(person.user_id, candidate, action, expected_version=seen)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = [*pool.map(attempt, [CONFIRM, REJECT] * 4)]
    assert won.count(True) == 1
    assert review.history(person.user_id)[1] == 1


def three(person: Person) -> list[str]:
    named = [
        "I never miss a morning by the river.",
        "I thank you for the book.",
        "Perhaps I think too much about chess.",
    ]
    findings = [finding(f"topic:t{n}", f"Interest in epsilon{n}", evidence=[quote]) for n, quote in enumerate(named)]
    merge(person.analysed(person.package(), *findings))
    return [str(row.candidate_id) for row in person.candidates().values()]


def test_many_decisions_are_taken_together(person: Person) -> None:
    first, second, third = three(person)
    outcomes = review.act_many(
        person.user_id,
        [{"candidateID": first, **CONFIRM}, {"candidateID": second, **REJECT}, {"candidateID": third, **CONFIRM},
         {"candidateID": third, **UNDO}],
    )  # fmt: skip
    assert [outcome["candidateID"] for outcome in outcomes] == [first, second, third, third]
    assert [outcome["candidate"]["status"] for outcome in outcomes] == [
        "confirmed_by_user", "rejected_by_user", "confirmed_by_user", "candidate",
    ]  # fmt: skip
    assert len(settled(person)) == 1


@pytest.mark.parametrize(
    "wrong", [{"userDecision": "maybe"}, {"candidateID": "x"}, {"candidateID": str(uuid4())}, {"undo": True}]
)
def test_one_wrong_decision_of_many_undoes_all_and_says_which(person: Person, wrong: dict[str, Any]) -> None:
    first, second, _ = three(person)
    with pytest.raises(EchoError) as refused:
        review.act_many(person.user_id, [{"candidateID": first, **CONFIRM}, {"candidateID": second, **CONFIRM} | wrong])
    # Of an undo and a decision in one action, the undo is meant; there is nothing to undo yet.
    assert refused.value.details["index"] == 1
    assert review.history(person.user_id) == ([], 0)
    assert {row.status for row in person.candidates().values()} == {"candidate"}


@pytest.mark.parametrize("count", [0, 101])
def test_too_few_or_too_many_decisions_are_refused(person: Person, count: int) -> None:
    with pytest.raises(InvalidInput):
        review.act_many(person.user_id, [CONFIRM] * count)


def test_a_trait_of_the_persons_own_is_settled_and_can_be_undone(person: Person) -> None:
    body = {"traitName": "Plays the cello", "traitDescription": "Since school", "traitCategory": "Skill"}
    outcome = review.add_trait(person.user_id, body)
    assert outcome["candidate"] is None
    assert outcome["decision"]["userDecision"] == "user_added_confirmed"
    assert (outcome["trait"]["origin"], outcome["trait"]["originalCandidateID"]) == ("user_defined", None)
    with pytest.raises(Conflict):
        review.add_trait(person.user_id, {**body, "traitName": "plays THE cello"})
    action = UUID(outcome["decision"]["refinementActionID"])
    (undone,) = review.act_many(person.user_id, [{"refinementActionID": str(action)}])
    assert (undone["trait"], undone["candidateID"], settled(person)) == (None, None, [])
    assert review.undo(person.user_id, UUID(undone["decision"]["refinementActionID"]))["trait"] == {
        **outcome["trait"],
        "creationTimestamp": settled(person)[0]["creationTimestamp"],
        "lastUpdatedTimestamp": settled(person)[0]["lastUpdatedTimestamp"],
    }
    assert person.outbox() == ["decision"] * 3


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"traitName": None}, "traitName"),
        ({"traitName": "\t"}, "traitName"),
        ({"traitName": "x\u2028y"}, "traitName"),
        ({"traitCategory": None}, "traitCategory"),
        ({"traitCategory": "Magic"}, "traitCategory"),
        ({"traitDescription": 1}, "traitDescription"),
        ({"userConfidenceRating": 9}, "userConfidenceRating"),
        ({"customizationNotes": "x" * 2001}, "customizationNotes"),
    ],
)
def test_a_wrong_trait_of_ones_own_is_refused(person: Person, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        review.add_trait(person.user_id, {"traitName": "Sings", "traitCategory": "Skill", **changed})
    assert refused.value.details["field"] == field
    assert settled(person) == []


def test_undoing_a_decision_shows_the_candidate_as_all_packages_have_it_now(person: Person, candidate: UUID) -> None:
    review.act(person.user_id, candidate, CONFIRM)
    before = one_candidate(person.user_id, candidate)["confidenceScore"]
    merge(person.analysed(person.package(), finding(certainty=0.95, name="Asks and asks and asks")))
    undone = review.act(person.user_id, candidate, UNDO)["candidate"]
    assert undone["confidenceScore"] > before
    assert undone["traitName"] == "Asks and asks and asks"


@pytest.fixture
def several(person: Person) -> Person:
    """A person with candidates of several kinds, one of them archived, one confirmed."""
    package = person.package()
    stated = finding("fact:occupation:printer", "Works as a printer", claim_kind="stated", category="Skill",
                     evidence=["I work as a printer in a small town."], certainty=0.95)  # fmt: skip
    topic = finding(
        "topic:chess",
        "Interested in chess",
        category="Interest",
        certainty=0.6,
        evidence=["Who would not love the game?"],
    )
    gone = finding("topic:boston", "Boston", category="Interest", evidence=["I thank you for the book."])
    merge(person.analysed(package, finding(), stated, topic, gone))
    merge(person.analysed(package, finding(), stated, topic))
    review.act(person.user_id, person.candidates()["topic:chess"].candidate_id, CONFIRM)
    return person


def names(person: Person, query: Query | None = None) -> list[str]:
    return [row["traitName"] for row in list_candidates(person.user_id, query)[0]]


def test_candidates_are_listed_best_first_and_archived_ones_only_when_asked_for(several: Person) -> None:
    assert names(several) == ["Works as a printer", "Asks a lot of questions", "Interested in chess"]
    assert names(several, Query(status=frozenset({CandidateStatus.SUPERSEDED}))) == ["Boston"]


def test_filters(several: Person) -> None:
    assert names(several, Query(status=frozenset({CandidateStatus.CONFIRMED}))) == ["Interested in chess"]
    assert names(several, Query(category=TraitCategory.SKILL)) == ["Works as a printer"]
    assert names(several, Query(claim_kind=ClaimKind.OBSERVED)) == ["Asks a lot of questions", "Interested in chess"]
    assert names(several, Query(min_confidence=0.8)) == ["Works as a printer", "Asks a lot of questions"]
    assert len(names(several, Query(model="test-model"))) == 3
    assert names(several, Query(model="other-model")) == []


@pytest.mark.parametrize("field", SortField)
def test_sorting_and_paging_show_everything_once_in_both_directions(several: Person, field: SortField) -> None:
    column = {"rank": "rank", "traitName": "traitName"}.get(field, str(field))
    for descending in (True, False):
        pages = [
            list_candidates(several.user_id, Query(sort_by=field, descending=descending, limit=1, offset=offset))
            for offset in range(4)
        ]
        assert [total for _, total in pages] == [3] * 4
        shown = [row[column] for rows, _ in pages for row in rows]
        assert shown == sorted(
            shown, reverse=descending, key=lambda value: value.lower() if isinstance(value, str) else value
        )
        assert len(shown) == 3


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**40}, "offset"),
        ({"min_confidence": 1.1}, "minConfidence"),
        ({"min_confidence": float("nan")}, "minConfidence"),
        ({"model": "a\x00"}, "model"),
    ],
)
def test_a_wrong_query_is_refused(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Query(**asked)
    assert refused.value.details["field"] == field


def test_a_listed_candidate_has_the_fields_of_the_contract_and_its_evidence(several: Person) -> None:
    (row,) = list_candidates(several.user_id, Query(limit=1))[0]
    assert set(row) >= {
        "candidateID", "userID", "traitName", "traitDescription", "traitCategory", "claimKind",
        "supportingEvidenceSnippets", "counterEvidenceSnippets", "confidenceScore", "confidence", "originatingModels",
        "associatedRawFeatureSetIDs", "status", "creationTimestamp", "lastUpdatedTimestamp", "grade",
    }  # fmt: skip
    assert row["confidenceScore"] == row["confidence"]["shown"]
    (snippet,) = row["supportingEvidenceSnippets"]
    assert snippet["content"] == "I work as a printer in a small town."
    where = snippet["locator"]
    assert WORDS[where["charStart"] : where["charEnd"]] == snippet["content"]
    assert set(snippet) == {
        "evidenceID", "type", "content", "sourcePackageID", "sourceDetail", "locator", "verifiedBy", "label",
    }  # fmt: skip
    assert (snippet["type"], snippet["sourceDetail"], snippet["verifiedBy"]) == ("text_quote", "letters.txt", "exact")
    assert row["evidenceLeftOut"] == 0


def test_a_list_shows_the_best_evidence_and_a_single_candidate_all(person: Person) -> None:
    for _ in range(3):
        merge(person.analysed(person.package(), finding()))
    (row,) = list_candidates(person.user_id)[0]
    assert len(row["supportingEvidenceSnippets"]) == IN_LIST[0]
    assert len({snippet["sourcePackageID"] for snippet in row["supportingEvidenceSnippets"][:3]}) == 3
    assert len(one_candidate(person.user_id, UUID(row["candidateID"]))["supportingEvidenceSnippets"]) == 9


def test_styles_are_kept_replaced_and_projected(person: Person) -> None:
    assert styles.get_styles(person.user_id) == {
        "userID": person.user_id,
        "preferences": {},
        "lastUpdatedTimestamp": None,
    }
    styles.put_styles(person.user_id, {"formality": "informal", "humor": 0.7})
    kept = styles.put_styles(person.user_id, {"tone": ["warm", "dry"], "emoji": False, "verbosity": None})
    assert kept["preferences"] == {"tone": ["warm", "dry"], "emoji": False, "verbosity": None}
    assert styles.get_styles(person.user_id) == kept
    assert styles.get_styles(Person().user_id)["preferences"] == {}
    assert person.outbox() == ["styles", "styles"]


@pytest.mark.parametrize(
    "preferences",
    [
        {"": 1}, {"1st": 1}, {"a b": 1}, {"a" * 65: 1}, {"tone": "x" * 501}, {"tone": "a\x00"}, {"tone": {"a": 1}},
        {"tone": [1]}, {"tone": ["x"] * 21}, {"tone": float("nan")}, {"tone": 1e300}, {f"p{n}": 1 for n in range(51)},
    ],
)  # fmt: skip
def test_wrong_styles_are_refused(person: Person, preferences: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        styles.put_styles(person.user_id, preferences)
    assert person.outbox() == []
