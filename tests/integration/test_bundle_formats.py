"""What is in a bundle, read by programs that know nothing of us, without a network."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx  # type: ignore[import-untyped]  # it has no types
import pytest
from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity, ProvGeneration
from pyld import jsonld  # type: ignore[import-untyped]  # as above
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from sqlalchemy import select

from app.database import transaction
from app.models import ExtractedTraitCandidate, SettledTrait
from app.services import consents, graph, review
from app.services.bundle.graphs import cypher
from app.services.bundle.linked import VOCABULARY, person_urn, urn
from app.services.drawing import draw
from tests.integration.bundles import NAUGHTY, contents, exported, fill
from tests.integration.persona import WORDS, Person

LINKED = ("persona.jsonld", "provenance.jsonld", "annotations.jsonld", "consents.jsonld")
SCHEMA, PROV, OA = (
    Namespace("https://schema.org/"),
    Namespace("http://www.w3.org/ns/prov#"),
    Namespace("http://www.w3.org/ns/oa#"),
)
DPV, ECHO = Namespace("https://w3id.org/dpv#"), Namespace(VOCABULARY)
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")


@pytest.fixture
def full(person: Person) -> Person:
    fill(person)
    return person


@pytest.fixture
def members(full: Person, tmp_path: Path) -> dict[str, bytes]:
    return contents(exported(full.user_id, tmp_path))


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    def refuse(url: str, _options: object) -> None:
        raise AssertionError(url)

    before = jsonld._default_document_loader
    jsonld.set_document_loader(refuse)
    yield
    jsonld.set_document_loader(before)


def triples(members: dict[str, bytes], name: str) -> Graph:
    """What a JSON-LD processor makes of a member, as RDF."""
    expanded = jsonld.expand(json.loads(members[name]))
    found = Graph().parse(data=json.dumps(expanded), format="json-ld")
    direct = Graph().parse(data=members[name], format="json-ld")
    assert len(found) == len(direct) > 0
    return direct


def node(identity: object) -> URIRef:
    return URIRef(urn(str(identity)))


@pytest.mark.parametrize("name", LINKED)
def test_every_linked_document_is_expanded_without_network_and_no_word_of_it_is_lost(
    members: dict[str, bytes], name: str
) -> None:
    def terms(value: Any) -> Iterator[str]:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from item
                for below in item.values():
                    yield from terms(below)

    document = json.loads(members[name])
    known = set(document["@context"])
    # A word that the context does not know would be dropped in silence.
    assert set(terms(document["@graph"])) <= known
    assert jsonld.normalize(document, {"algorithm": "URDNA2015", "format": "application/n-quads"})


def test_the_person_is_a_schema_org_person_with_their_settled_traits(full: Person, members: dict[str, bytes]) -> None:
    found, person = triples(members, "persona.jsonld"), URIRef(person_urn(full.user_id))
    assert (person, RDF.type, SCHEMA.Person) in found
    assert (person, SCHEMA.identifier, Literal(full.user_id)) in found
    settled = {trait["traitID_in_pkg"]: trait for trait in review.list_traits(full.user_id)[0]}
    assert {str(trait) for trait in found.objects(person, ECHO.hasTrait)} == {urn(identity) for identity in settled}
    for identity, trait in settled.items():
        assert (node(identity), SCHEMA.name, Literal(trait["traitName"])) in found
    assert {str(found.value(skill, SCHEMA.name)) for skill in found.objects(person, SCHEMA.skills)} == {
        "Plays the cello"
    }
    assert {str(found.value(topic, SCHEMA.name)) for topic in found.objects(person, SCHEMA.knowsAbout)} == {"Chess"}
    assert Literal(NAUGHTY) in set(found.objects(None, SCHEMA.value))


def test_what_the_person_writes_about_is_a_scheme_of_concepts(full: Person, members: dict[str, bytes]) -> None:
    found, person = triples(members, "persona.jsonld"), URIRef(person_urn(full.user_id))
    named = {str(found.value(one, SKOS.prefLabel)): one for one in found.objects(person, ECHO.discusses)}
    assert named.keys() == {"chess", "board games", "patience", "schrödinger's cats & dogs"}
    for concept in named.values():
        assert (concept, RDF.type, SKOS.Concept) in found
    assert {*found.subject_objects(SKOS.broader)} == {(named["chess"], named["board games"])}
    near = {frozenset(pair) for pair in found.subject_objects(ECHO.associatedWith)}
    assert near == {frozenset((named["chess"], named["patience"]))}
    assert found.value(named["chess"], ECHO.places) == Literal(8)


def test_the_lineage_says_what_came_from_what(full: Person, members: dict[str, bytes]) -> None:
    found, person = triples(members, "provenance.jsonld"), URIRef(person_urn(full.user_id))
    rows = {name: json.loads(members[f"{name}.json"]) for name in ("packages", "text-layers", "steps", "candidates")}
    for package in rows["packages"]:
        assert (node(package["packageID"]), PROV.wasAttributedTo, person) in found
    for layer in rows["text-layers"]:
        assert (node(layer["textLayerID"]), PROV.wasDerivedFrom, node(layer["packageID"])) in found
        maker = found.value(node(layer["textLayerID"]), PROV.wasGeneratedBy)
        assert (maker, PROV.used, node(layer["packageID"])) in found
    for step in rows["steps"]:
        assert (node(step["stepID"]), RDF.type, PROV.Activity) in found
        if step["featureSetID"]:
            assert (node(step["featureSetID"]), PROV.wasGeneratedBy, node(step["stepID"])) in found
    for candidate in rows["candidates"]:
        sources = {str(source) for source in found.objects(node(candidate["candidateID"]), PROV.wasDerivedFrom)}
        assert sources > {urn(identity) for identity in candidate["associatedRawFeatureSetIDs"]}
    decisions = {one["refinementActionID"]: one for one in json.loads(members["decisions.json"])}
    assert len(decisions) == 6
    for identity, decision in decisions.items():
        assert (node(identity), PROV.wasAssociatedWith, person) in found
        if decision["undoes"]:
            assert (node(identity), PROV.wasInformedBy, node(decision["undoes"])) in found
    with transaction() as connection:
        for trait in connection.execute(select(SettledTrait.__table__).where(SettledTrait.user_id == full.user_id)):
            assert str(found.value(node(trait.trait_id), PROV.wasGeneratedBy)).removeprefix("urn:uuid:") in decisions
            if trait.candidate_id:
                assert (node(trait.trait_id), PROV.wasDerivedFrom, node(trait.candidate_id)) in found


def test_a_provenance_library_reads_the_lineage(members: dict[str, bytes]) -> None:
    turtle = triples(members, "provenance.jsonld").serialize(format="turtle")
    document = ProvDocument.deserialize(source=io.BytesIO(turtle.encode()), format="rdf", rdf_format="turtle")
    steps, packages = json.loads(members["steps.json"]), json.loads(members["packages.json"])
    activities = {record.identifier.uri for record in document.get_records(ProvActivity) if record.identifier}
    assert activities >= {urn(step["stepID"]) for step in steps}
    entities = {record.identifier.uri for record in document.get_records(ProvEntity) if record.identifier}
    assert entities >= {urn(package["packageID"]) for package in packages}
    assert document.get_records(ProvGeneration)
    assert len(list(document.get_records(ProvDerivation))) >= len(packages)


def test_evidence_is_annotated_with_positions_and_the_persons_own_words(
    full: Person, members: dict[str, bytes]
) -> None:
    found = triples(members, "annotations.jsonld")
    layers = {
        one["textLayerID"]: json.loads(members[f"text-layers/{one['textLayerID']}.json"])["text"]
        for one in json.loads(members["text-layers.json"])
    }
    evidence = json.loads(members["evidence.json"])
    assert evidence
    for piece in evidence:
        annotation = node(piece["evidenceID"])
        assert (annotation, RDF.type, OA.Annotation) in found
        assert (annotation, OA.hasBody, node(piece["candidateID"])) in found
        wanted = OA.questioning if piece["counter"] else OA.linking
        assert (annotation, OA.motivatedBy, wanted) in found
        target = found.value(annotation, OA.hasTarget)
        assert found.value(target, OA.hasSource) == node(piece["textLayerID"])
        selectors = {found.value(one, RDF.type): one for one in found.objects(target, OA.hasSelector)}
        where, quote = selectors[OA.TextPositionSelector], selectors[OA.TextQuoteSelector]
        start, end = (int(str(found.value(where, edge))) for edge in (OA.start, OA.end))
        assert layers[piece["textLayerID"]][start:end] == str(found.value(quote, OA.exact))
        if "startTime" in piece["locator"]:
            fragment = selectors[OA.FragmentSelector]
            assert str(found.value(fragment, RDF.value)) == "t=1.5,9.0"
    assert any(piece["counter"] for piece in evidence)
    assert any("startTime" in piece["locator"] for piece in evidence)


def test_consents_are_records_of_the_data_privacy_vocabulary(full: Person, members: dict[str, bytes]) -> None:
    found, person = triples(members, "consents.jsonld"), URIRef(person_urn(full.user_id))
    status = {"active": DPV.ConsentGiven, "revoked": DPV.ConsentWithdrawn}
    for one in consents.listed(full.user_id):
        record = node(one["consentTokenID"])
        assert (record, RDF.type, DPV.ConsentRecord) in found
        assert (record, DPV.hasDataSubject, person) in found
        assert (record, DPV.hasLegalBasis, DPV.Consent) in found
        assert (record, DPV.hasConsentStatus, status[one["status"]]) in found
        assert {str(scope) for scope in found.objects(record, ECHO.scopes)} == set(one["scopes"])
    assert len(set(found.objects(None, ECHO.hash))) == 3


def test_graphml_is_read_with_every_node_edge_and_property(full: Person, members: dict[str, bytes]) -> None:
    loaded = nx.read_graphml(io.BytesIO(members["graph.graphml"]), force_multigraph=True)
    known = graph.read(full.user_id, depth=5)
    assert loaded.is_directed()
    assert set(loaded.nodes) == {one["id"] for one in known["nodes"]}
    assert {(a, data["type"], b) for a, b, data in loaded.edges(data=True)} == {
        (one["source"], one["type"], one["target"]) for one in known["edges"]
    }
    assert loaded.number_of_edges() == len(known["edges"])
    for one in known["nodes"]:
        read = dict(loaded.nodes[one["id"]])
        assert read.pop("label") == one["label"]
        assert {
            name: json.loads(value) if isinstance(one["properties"][name], list) else value
            for name, value in read.items()
        } == one["properties"]
    assert NAUGHTY in {loaded.nodes[identity].get("preference") for identity in loaded}


def test_cypher_has_a_statement_for_every_node_and_edge(full: Person, members: dict[str, bytes]) -> None:
    statements = members["graph.cypher"].decode().split(";\n")[:-1]
    known = graph.read(full.user_id, depth=5)
    assert len(statements) == len(known["nodes"]) + len(known["edges"])
    with transaction() as connection:
        assert members["graph.cypher"].decode() == "".join(cypher(draw(connection, full.user_id), full.user_id))
        assert connection.execute(select(ExtractedTraitCandidate.candidate_id).limit(1)).first()


def test_the_words_are_where_the_person_looks_for_them(members: dict[str, bytes]) -> None:
    assert sum(content == WORDS.encode() for name, content in members.items() if name.startswith("sources/")) == 2
    assert b"I was born in Boston" in members["annotations.jsonld"]
    readme = members["README.txt"].decode()
    for name in members.keys() - {"README.txt"}:
        known = name if "/" not in name else ("sources/ID/original" if name.startswith("s") else "text-layers/ID.json")
        assert known in readme, name
