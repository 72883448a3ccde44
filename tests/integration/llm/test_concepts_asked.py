"""From a vendor's answer to the graph: concepts that the text bears out and how they hang together; and out again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.database import transaction
from app.models import Base, Concept, ConceptRelation
from app.services import bundle, erasing, graph, packages
from tests.integration.bundles import digest, exported, wipe
from tests.integration.erasing.conftest import carried_out, messages
from tests.integration.llm.conftest import Case
from tests.integration.rows.conftest import Line
from tests.stub_anthropic import Stub

__all__ = ["carried_out", "messages"]
Make = Callable[..., Case]

#: Each sentence once, in a paragraph of its own.
TEXT = "\n\n".join(
    f"I {did} and I thought about it all the way home, as my {kin} always did."
    for did, kin in (
        ("opened the first hive in the orchard this morning", "father"),
        ("moved the goats to the lower meadow before the rain", "uncle"),
        ("tasted the honey that we had taken in July", "mother"),
        ("counted the frames that the bees had filled since May", "grandfather"),
        ("mended the fence where the sheep had broken through", "brother"),
        ("gave a jar of it to the neighbour who had lent me the smoker", "aunt"),
        ("read again how one finds a queen among thousands", "teacher"),
        ("wrote down what the winter had cost us in feed", "sister"),
    )
)
SHOWN = {
    ("user", "DISCUSSED_CONCEPT", "concept:beekeeping"): {"places": 4},
    ("user", "DISCUSSED_CONCEPT", "concept:husbandry"): {"places": 4},
    ("user", "DISCUSSED_CONCEPT", "concept:honey"): {"places": 3},
    ("concept:beekeeping", "IS_A_TYPE_OF", "concept:husbandry"): {"packages": 1},
    ("concept:beekeeping", "ASSOCIATED_WITH_CONCEPT", "concept:honey"): {"packages": 1},
    ("concept:beekeeping", "ASSOCIATED_WITH_CONCEPT", "concept:husbandry"): {"packages": 1},
}


def edges(user: str, **asked: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Those that lead to a concept, but not from a trait."""
    found = {
        (edge["source"], edge["type"], edge["target"]): edge["properties"]
        for edge in graph.read(user, **asked)["edges"]
    }
    return {key: its for key, its in found.items() if key[2].startswith("concept:") and key[0][:6] != "trait:"}


@pytest.fixture
def asked(case: Make, vendor: Stub) -> Case:
    one = case(TEXT)
    vendor.mode = "related"
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    assert one.finish()["runStatus"] in {"done", "partial"}
    return one


def test_what_a_text_is_about_is_seen_with_what_it_hangs_together_with(asked: Case) -> None:
    assert edges(asked.user) == SHOWN
    around = graph.read(asked.user, concept="beekeeping", depth=2)
    names = {node["properties"]["name"] for node in around["nodes"] if node["label"] == "Concept"}
    assert names == {"beekeeping", "husbandry", "honey"}


def test_only_terms_are_kept_and_no_sentence(asked: Case) -> None:
    with transaction() as connection:
        rows = [connection.execute(select(table.__table__)).all() for table in (Concept, ConceptRelation)]
        tables = {table.name for table in Base.metadata.sorted_tables}
    held = " ".join(str(row) for table in rows for row in table)
    assert {"concepts", "concept_relations"} <= tables
    assert "honey" in held
    assert "hive" not in held


def test_invented_concepts_are_in_no_graph(case: Make, vendor: Stub) -> None:
    one = case(TEXT)
    vendor.mode = "invented"
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    assert one.finish()["runStatus"] == "done"
    assert one.step("llm.concepts").state == "done"
    assert edges(one.user) == {}


def test_another_analysis_replaces_them(asked: Case, vendor: Stub, line: Line) -> None:
    vendor.mode = "honest"
    packages.analyse_again(asked.user, asked.package_id, line)
    line.drive()
    names = {node["id"] for node in graph.read(asked.user)["nodes"] if node["label"] == "Concept"}
    assert names == {"concept:daily life"}


def test_erased_with_their_package_and_brought_back_by_its_bundle(
    asked: Case, carried_out: Callable[[dict[str, Any]], dict[str, Any]], tmp_path: Path
) -> None:
    before = digest(asked.user)
    file = exported(asked.user, tmp_path)
    wipe(asked.user)
    assert bundle.restore(file).as_json()["graphEqual"]
    assert (digest(asked.user), edges(asked.user)) == (before, SHOWN)
    done = carried_out(erasing.erase_package(asked.user, asked.package_id))
    assert done["receipt"]["clean"], done
    assert graph.read(asked.user) == {"nodes": [], "edges": []}
