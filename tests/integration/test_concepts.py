"""What packages are about: kept with them, drawn from all of them, gone with each."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.database import transaction
from app.errors import InvalidInput
from app.features import feature_set_id
from app.models import GraphOutbox
from app.services import bundle, erasing, graph, review
from app.services.erasing import Messages
from app.services.merge import merge
from app.traits import rules
from app.vocabulary import Authorship, ReasonCode, RunStatus, StepStatus
from tests.integration.bundles import contents, digest, exported, packed, wipe
from tests.integration.erasing.conftest import carried_out, messages
from tests.integration.persona import ANALYZER, Person, about, failed, finding
from tests.integration.test_bundle_refusals import changed_rows, resigned

__all__ = ["carried_out", "messages"]

BEES = (about("beekeeping", 3, general=["husbandry"], near=["honey"]), about("husbandry"), about("honey", 2))
TOPIC = finding("topic:beekeeping", "Writes about beekeeping", category="Interest", claim_kind="stated")
BOOKS = finding("habit:books:high", "Thanks for books", evidence=["I thank you for the book."])


def given(person: Person, *told: dict[str, Any], findings: tuple[dict[str, Any], ...] = (), **details: str) -> UUID:
    package = person.package(**details)
    merge(person.analysed(package, *findings, concepts=told))
    return package


def bundled(person: Person, folder: Path) -> dict[str, bytes]:
    """The members of the person's bundle, who is not here any more."""
    members = contents(exported(person.user_id, folder, sources=False))
    wipe(person.user_id)
    return members


def drawn(person: Person, **asked: Any) -> tuple[dict[str, str], dict[tuple[str, str, str], dict[str, Any]]]:
    """Labels of nodes, and properties of the edges that touch a concept."""
    document = graph.read(person.user_id, **asked)
    nodes = {node["id"]: node["label"] for node in document["nodes"]}
    edges = {(edge["source"], edge["type"], edge["target"]): edge["properties"] for edge in document["edges"]}
    return nodes, {key: its for key, its in edges.items() if key[2].startswith("concept:")}


def concepts_in(person: Person) -> set[str]:
    return {node.removeprefix("concept:") for node in drawn(person)[0] if node.startswith("concept:")}


def reject(person: Person, key: str = "topic:beekeeping") -> UUID:
    candidate = UUID(str(person.candidates()[key].candidate_id))
    review.act(person.user_id, candidate, {"userDecision": "rejected"})
    return candidate


def test_a_merge_keeps_what_the_package_is_about(person: Person) -> None:
    package = given(person, *BEES)
    assert person.concepts() == {(package, "beekeeping", 3), (package, "husbandry", 3), (package, "honey", 2)}
    assert person.relations() == {
        (package, "beekeeping", "is_a_type_of", "husbandry"),
        (package, "beekeeping", "associated_with", "honey"),
    }
    assert person.outbox() == ["merge"]
    assert person.candidates() == {}


def test_analysed_again_a_package_is_about_what_was_found_last(person: Person) -> None:
    package, other = given(person, *BEES), given(person, *BEES)
    merge(person.analysed(package, concepts=BEES))
    assert person.outbox() == ["merge", "merge"]
    merge(person.analysed(package, concepts=[about("honey", 5), about("husbandry")]))
    mine = {(name, places) for its, name, places in person.concepts() if its == package}
    assert mine == {("honey", 5), ("husbandry", 3)}
    assert {its for its, *_ in person.relations()} == {other}
    merge(person.analysed(package))
    assert {its for its, *_ in person.concepts()} == {other}
    assert len(person.outbox()) == 4


def test_merges_in_parallel_keep_each_packages_concepts_once(person: Person) -> None:
    packages = [person.package() for _ in range(4)]
    runs = [person.analysed(package, concepts=BEES) for package in packages]
    with ThreadPoolExecutor(4) as pool:
        assert {outcome.state for outcome in pool.map(merge, runs * 3)} == {RunStatus.DONE}
    assert len(person.concepts()) == 3 * len(packages)
    assert len(person.relations()) == 2 * len(packages)
    assert drawn(person)[1]["concept:beekeeping", "IS_A_TYPE_OF", "concept:husbandry"] == {"packages": 4}


def test_an_older_run_that_comes_late_changes_nothing(person: Person) -> None:
    package = person.package()
    older = person.analysed(package, concepts=[about("honey")])
    merge(person.analysed(package, concepts=BEES))
    before = person.concepts()
    merge(older)
    assert person.concepts() == before != set()


def test_what_failed_this_time_leaves_concepts_as_they_were(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    package = given(person, *BEES, findings=(BOOKS,))
    mine = feature_set_id(package, ANALYZER, "1")
    again = person.analysed(package, steps=[failed(ANALYZER, ReasonCode.WORKER_LOST, feature_set_id=mine)])
    assert merge(again).state is RunStatus.PARTIAL
    assert len(person.concepts()) == 3
    broken = person.analysed(package, BOOKS, concepts=[{"object": "no places", "name": ""}])
    assert merge(broken).state is RunStatus.PARTIAL
    assert len(person.concepts()) == 3
    monkeypatch.delitem(rules.CONCEPTS, ANALYZER)
    merge(person.analysed(package, BOOKS))
    assert person.concepts() == set()


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_somebody_elses_text_gives_no_concepts(person: Person, authorship: Authorship) -> None:
    given(person, *BEES, authorship=str(authorship))
    assert person.concepts() == set()
    assert graph.read(person.user_id) == {"nodes": [], "edges": []}


def test_without_consent_for_the_analyzer_nothing_is_kept(person: Person) -> None:
    package = given(person, *BEES, findings=(BOOKS,))
    denied = {"analyzer": ANALYZER, "state": str(StepStatus.DENIED)}
    merge(person.analysed(package, steps=[denied, {"analyzer": "text.other"}]))
    assert person.concepts() == set()


def test_the_graph_joins_what_all_packages_are_about(person: Person) -> None:
    given(person, *BEES)
    given(person, about("Bee keeping"), about("the Honey", 4), about("husbandries", 2, near=["honey"]))
    nodes, edges = drawn(person)
    names = ("bee keeping", "beekeeping", "honey", "husbandry")
    assert nodes == {"user": "User", **{f"concept:{name}": "Concept" for name in names}}
    assert edges["user", "DISCUSSED_CONCEPT", "concept:honey"] == {"places": 6}
    assert edges["user", "DISCUSSED_CONCEPT", "concept:husbandry"] == {"places": 5}
    assert edges["concept:beekeeping", "IS_A_TYPE_OF", "concept:husbandry"] == {"packages": 1}
    near = {frozenset((source, target)) for source, kind, target in edges if kind == "ASSOCIATED_WITH_CONCEPT"}
    assert near == {
        frozenset(("concept:beekeeping", "concept:honey")),
        frozenset(("concept:husbandry", "concept:honey")),
    }


def test_what_hangs_together_is_found_from_a_concept(person: Person) -> None:
    given(person, *BEES, about("chess"))
    nodes, _ = drawn(person, concept="Beekeeping", depth=2)
    assert {"concept:beekeeping", "concept:husbandry", "concept:honey"} <= nodes.keys()
    assert "concept:chess" not in nodes


def test_more_packages_decide_which_is_the_more_general(person: Person) -> None:
    up, down = [about("a", general=["b"]), about("b")], [about("a"), about("b", general=["a"])]
    for told in (up, down):
        given(person, *told)
    assert not [key for key in drawn(person)[1] if key[1] == "IS_A_TYPE_OF"]
    given(person, *up)
    general = {key: its for key, its in drawn(person)[1].items() if key[1] == "IS_A_TYPE_OF"}
    assert general == {("concept:a", "IS_A_TYPE_OF", "concept:b"): {"packages": 2}}


def test_a_topic_that_is_a_trait_is_the_same_concept(person: Person) -> None:
    quote = ["I never miss a morning by the river."]
    topic = finding("topic:bee", "Writes about bees", category="Interest", claim_kind="stated", evidence=quote)
    given(person, about("Bees", 4, near=["honey"]), about("honey"), findings=(topic,))
    nodes, edges = drawn(person)
    assert [node for node in nodes if node.startswith("concept:bee")] == ["concept:bee"]
    assert edges["user", "DISCUSSED_CONCEPT", "concept:bee"] == {"places": 4}
    assert edges["concept:bee", "ASSOCIATED_WITH_CONCEPT", "concept:honey"] == {"packages": 1}
    trait = f"trait:{person.candidates()['topic:bee'].candidate_id}"
    assert (trait, "ASSOCIATED_WITH_CONCEPT", "concept:bee") in edges


def test_a_rejected_topic_does_not_come_back_as_a_concept(person: Person) -> None:
    given(person, *BEES, findings=(TOPIC,))
    assert concepts_in(person) == {"beekeeping", "husbandry", "honey"}
    candidate = reject(person)
    assert concepts_in(person) == {"husbandry", "honey"}
    given(person, about("Beekeeping", 9, near=["honey"]), about("honey"))
    assert concepts_in(person) == {"husbandry", "honey"}
    assert not [key for key in drawn(person)[1] if key[0].startswith("concept:")]
    review.act(person.user_id, candidate, {"undo": True})
    assert concepts_in(person) == {"beekeeping", "husbandry", "honey"}


def test_a_rejection_holds_after_its_topic_was_erased(
    person: Person, carried_out: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    package = given(person, *BEES, findings=(TOPIC,))
    reject(person)
    assert carried_out(erasing.erase_package(person.user_id, package))["receipt"]["clean"]
    assert person.candidates() == {}
    given(person, *BEES)
    assert concepts_in(person) == {"husbandry", "honey"}


def test_an_erased_package_takes_its_concepts_out_of_rows_and_graph(
    person: Person, carried_out: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    gone, kept = given(person, *BEES), given(person, about("honey", 2), about("husbandry"))
    graph.project(person.user_id)
    done = carried_out(erasing.erase_package(person.user_id, gone))
    assert done["receipt"]["clean"], done
    figures = {store["store"]: (store["before"], store["after"]) for store in done["receipt"]["stores"]}
    assert (figures["concepts"], figures["conceptRelations"]) == ((3, 0), (2, 0))
    assert {its for its, *_ in person.concepts()} == {kept}
    nodes, edges = drawn(person)
    assert nodes.keys() == {"user", "concept:honey", "concept:husbandry"}
    assert edges["user", "DISCUSSED_CONCEPT", "concept:honey"] == {"places": 2}
    done = carried_out(erasing.erase_user(person.user_id))
    assert done["receipt"]["clean"], done
    assert (person.concepts(), graph.read(person.user_id)["nodes"]) == (set(), [])


def test_a_name_that_another_package_is_about_is_no_remainder_of_an_erased_one(
    person: Person, messages: Messages
) -> None:
    from app.services.erasing.search import needles_of
    from app.services.erasing.state import erasure_row

    gone = given(person, about("swallows of spring"))
    begun = erasing.erase_package(person.user_id, gone)
    with transaction() as connection:
        erasure = erasure_row(connection, UUID(begun["erasureID"]))
    assert needles_of(erasure, ["swallows of spring"]).words == ["swallows of spring"]
    given(person, about("swallows of spring"))
    assert needles_of(erasure, ["swallows of spring"]).words == []
    assert erasing.run(UUID(begun["erasureID"]), messages)


def test_the_bundle_brings_concepts_back(person: Person, tmp_path: Path) -> None:
    given(person, *BEES, findings=(TOPIC,))
    given(person, *BEES[1:])
    before = digest(person.user_id), person.concepts(), person.relations()
    file = exported(person.user_id, tmp_path, sources=False)
    wipe(person.user_id)
    assert digest(person.user_id) != before[0]
    restored = bundle.restore(file)
    assert restored.as_json()["graphEqual"]
    assert (restored.counts["concepts"], restored.counts["concept-relations"]) == (5, 2)
    assert (digest(person.user_id), person.concepts(), person.relations()) == before


def test_a_bundle_from_before_there_were_concepts_is_read(person: Person, tmp_path: Path) -> None:
    given(person, findings=(BOOKS,))
    members = bundled(person, tmp_path)
    for name in ("concepts.json", "concept-relations.json"):
        assert json.loads(members.pop(name)) == []
    (tmp_path / "older.zip").write_bytes(packed(resigned(members)))
    assert bundle.restore(tmp_path / "older.zip").as_json()["graphEqual"]


@pytest.mark.parametrize(
    ("member", "changed"),
    [
        ("concepts.json", {"name": "My grandmother hid the silver under the tree"}),
        ("concepts.json", {"places": 0}),
        ("concepts.json", {"places": "many"}),
        ("concept-relations.json", {"relation": "HAS_TRAIT"}),
        ("concept-relations.json", {"packageID": "00000000-0000-0000-0000-000000000000"}),
    ],
)
def test_what_is_no_concept_is_not_brought_in(
    person: Person, tmp_path: Path, member: str, changed: dict[str, Any]
) -> None:
    given(person, *BEES)
    members = bundled(person, tmp_path)
    forged = changed_rows(members, member, lambda rows: rows[0].update(changed))
    (tmp_path / "forged.zip").write_bytes(packed(forged))
    with pytest.raises(InvalidInput) as refused:
        bundle.restore(tmp_path / "forged.zip")
    assert refused.value.details["member"] == member
    assert (person.concepts(), person.relations()) == (set(), set())


def test_somebody_about_whom_only_concepts_are_known_is_drawn_again_with_all(person: Person) -> None:
    given(person, *BEES)
    expected = digest(person.user_id)
    wipe_graph(person)
    assert graph.rebuild()[person.user_id] == expected


def wipe_graph(person: Person) -> None:
    from app.pkg import graph_store

    graph_store().delete_user(person.user_id)
    with transaction() as connection:
        connection.execute(insert(GraphOutbox), {"user_id": person.user_id, "cause": "merge"})


def test_nobody_sees_anothers_concepts(person: Person) -> None:
    other = Person()
    given(person, *BEES)
    given(other, about("chess"))
    assert concepts_in(person) & concepts_in(other) == set()
