"""Review through the API: candidates, decisions, traits, styles, graph, evidence."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.services import graph
from tests.integration.web.http_support import LETTER, Person, refused, stock

CANDIDATES = "/persona/traits/candidates"


@pytest.fixture
def ids(ann: Person) -> dict[str, str]:
    return stock(ann, candidates=4)


def listed(person: Person, **query: str | float) -> list[dict[str, Any]]:
    answer = person.call("GET", CANDIDATES, query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


@pytest.mark.usefixtures("ids")
class TestList:
    """The list."""

    def test_it_shows_candidates_with_evidence_cut_from_the_text(self, ann: Person) -> None:
        rows = listed(ann)
        assert len(rows) == 4
        for row in rows:
            assert row["userID"] == ann.user_id
            assert row["confidenceScore"] == row["confidence"]["shown"]
            snippet = row["supportingEvidenceSnippets"][0]
            start, end = snippet["locator"]["charStart"], snippet["locator"]["charEnd"]
            assert snippet["content"] == LETTER[start:end]
            assert row["counterEvidenceSnippets"] == []

    def test_it_sorts_and_filters(self, ann: Person) -> None:
        up = [row["confidenceScore"] for row in listed(ann, sortBy="confidenceScore", sortOrder="asc")]
        assert up == sorted(up)
        assert {row["traitCategory"] for row in listed(ann, category="Skill")} == {"Skill"}
        assert len(listed(ann, minConfidence=up[2])) == 2
        assert len(listed(ann, claimKind="stated", model="text.facts", status="candidate,confirmed_by_user")) == 4
        assert listed(ann, claimKind="inferred") == listed(ann, model="another") == []
        assert listed(ann, status="rejected_by_user") == []

    def test_its_pages_cover_everything_once(self, ann: Person) -> None:
        seen = [row["candidateID"] for offset in range(0, 4, 3) for row in listed(ann, limit=3, offset=offset)]
        assert len(seen) == len(set(seen)) == 4
        answer = ann.call("GET", CANDIDATES, query_string={"limit": 3, "offset": 3}).get_json()
        assert answer["pagination"] == {"offset": 3, "limit": 3, "total": 4}

    def test_it_is_empty_for_somebody_else(self, bob: Person) -> None:
        assert listed(bob) == []


def test_one_candidate_has_a_version_that_holds_until_it_changes(ann: Person, ids: dict[str, str]) -> None:
    one = f"{CANDIDATES}/{ids['candidateID']}"
    first = ann.call("GET", one)
    tag = first.headers["ETag"]
    assert tag == f'"{first.get_json()["version"]}"'
    assert ann.call("GET", one, headers={"If-None-Match": tag}).status_code == 304
    decided = ann.call("POST", f"{one}/actions", json={"userDecision": "confirmed_asis"}, headers={"If-Match": tag})
    assert decided.status_code == 201
    changed = ann.call("GET", one, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.get_json()["status"]) == (200, "confirmed_by_user")
    late = ann.call("POST", f"{one}/actions", json={"userDecision": "rejected"}, headers={"If-Match": tag})
    refused(late, 412, "precondition_failed")
    assert ann.call("GET", one).get_json()["status"] == "confirmed_by_user"
    anyway = ann.call("POST", f"{one}/actions", json={"userDecision": "rejected"}, headers={"If-Match": "*"})
    assert anyway.status_code == 201


def test_a_decision_settles_a_trait_is_logged_and_can_be_undone(ann: Person, ids: dict[str, str]) -> None:
    one = f"{CANDIDATES}/{ids['candidateID']}"
    said = {
        "userDecision": "confirmed_modified",
        "modifications": {
            "refinedTraitName": "My own words",
            "refinedTraitCategory": "Other",
            "userConfidenceRating": 4,
            "customizationNotes": "since school",
            "linkedEvidenceOverride": [ids["evidenceID"]],
        },
    }
    outcome = ann.call("POST", f"{one}/actions", json=said).get_json()
    assert outcome["candidate"]["status"] == "refined_by_user"
    assert outcome["trait"]["traitName"] == "My own words"
    assert outcome["decision"]["linkedEvidenceOverride"] == [ids["evidenceID"]]
    traits = ann.call("GET", "/persona/traits").get_json()
    assert [trait["traitName"] for trait in traits["data"]] == ["My own words"]
    assert traits["pagination"]["total"] == 1
    undone = ann.call("POST", f"{one}/actions", json={"undo": True})
    assert undone.status_code == 201
    assert undone.get_json()["decision"]["undoes"] == outcome["decision"]["refinementActionID"]
    assert ann.call("GET", "/persona/traits").get_json()["data"] == []
    log = ann.call("GET", "/persona/history").get_json()
    assert [entry["userDecision"] for entry in log["data"]] == ["superseded", "confirmed_modified"]
    refused(ann.call("POST", f"{one}/actions", json={"undo": True}), 409, "conflict")


def test_many_decisions_are_all_or_none(ann: Person) -> None:
    stock(ann, candidates=3)
    names = [row["candidateID"] for row in listed(ann)]
    wrong = [{"candidateID": name, "userDecision": "confirmed_asis"} for name in [*names[:2], str(uuid4())]]
    said = refused(ann.call("POST", f"{CANDIDATES}/actions", json={"actions": wrong}), 404)
    assert said["details"]["index"] == 2
    assert ann.call("GET", "/persona/history").get_json()["data"] == []
    right = [
        {"candidateID": names[0], "userDecision": "confirmed_asis"},
        {"candidateID": names[1], "userDecision": "rejected", "rejectionReason": "not me"},
    ]
    answer = ann.call("POST", f"{CANDIDATES}/actions", json={"actions": right})
    assert answer.status_code == 201
    assert [outcome["candidateID"] for outcome in answer.get_json()["data"]] == names[:2]
    assert {row["status"] for row in listed(ann)} == {"confirmed_by_user", "rejected_by_user", "candidate"}


def test_a_trait_of_ones_own_is_settled_at_once_and_named_once(ann: Person) -> None:
    said = {"traitName": "Plays the cello", "traitDescription": "Since school", "traitCategory": "Skill"}
    made = ann.call("POST", "/persona/traits/custom", json=said)
    assert made.status_code == 201
    assert made.get_json()["trait"]["origin"] == "user_defined"
    refused(ann.call("POST", "/persona/traits/custom", json=said), 409, "conflict")
    graph.project(ann.user_id)
    shown = ann.call("GET", "/persona/graph").get_json()
    assert any("Plays the cello" in str(node["properties"]) for node in shown["nodes"])
    assert ann.call("GET", "/persona/graph", query_string={"depth": 0, "category": "Skill"}).status_code == 200


def test_styles_are_what_was_put_last(ann: Person) -> None:
    empty = ann.call("GET", "/persona/communication-styles").get_json()
    assert (empty["preferences"], empty["lastUpdatedTimestamp"]) == ({}, None)
    for preferences in ({"formality": "informal", "emoji": False}, {"topics": ["bees", "boats"]}):
        put = ann.call("PUT", "/persona/communication-styles", json={"preferences": preferences})
        assert (put.status_code, put.get_json()["preferences"]) == (200, preferences)
    assert ann.call("GET", "/persona/communication-styles").get_json()["preferences"] == {"topics": ["bees", "boats"]}


def test_evidence_is_shown_in_its_surroundings(ann: Person, ids: dict[str, str]) -> None:
    passage = ann.call("GET", f"/evidence/{ids['evidenceID']}").get_json()
    end = passage["locator"]["charEnd"]
    assert passage["content"] == LETTER[:end]
    assert (passage["before"], passage["after"]) == ("", LETTER[end : end + 300])
    assert (passage["candidateID"], passage["counter"]) == (ids["candidateID"], False)


def test_consents_are_listed_newest_first_and_stay_listed_when_revoked(ann: Person) -> None:
    first, second = ann.consent(), ann.consent("analyse:*:local", "analyse:text:cloud")
    revoked = ann.call("POST", f"/consents/{first}/revoke")
    assert (revoked.status_code, revoked.get_json()["status"]) == (200, "revoked")
    again = ann.call("POST", f"/consents/{first}/revoke").get_json()
    assert again == revoked.get_json()
    shown = ann.call("GET", "/consents").get_json()["data"]
    assert [(row["consentTokenID"], row["status"]) for row in shown] == [(second, "active"), (first, "revoked")]
