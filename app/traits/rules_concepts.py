"""What a package is about, read from what a language model found and the text bears out (`llm.concepts`)."""

from __future__ import annotations

from app.traits.concepts import LEAST_PLACES, Concepts, concept_key, is_term, one_way
from app.traits.rules_llm import about_the_person, bare_term
from app.traits.signals import Measured
from app.vocabulary import RelationKind


def concepts(measured: Measured) -> Concepts:
    """Concepts shown in at least two places, and relations between them; none of a text that is not the person's.

    Args:
        measured: features of `llm.concepts`.
    """
    if not about_the_person(measured):
        return Concepts()
    found = [(bare_term(doc["object"] or doc["name"]), doc) for doc in measured.features["findings"]]
    found = [(name, doc) for name, doc in found if doc["places"] >= LEAST_PLACES and is_term(name)]
    names: dict[str, str] = {}
    places: dict[str, int] = {}
    # What is shown best gives its name to the others that fold to the same; their places may be the same ones.
    for name, doc in sorted(found, key=lambda one: (-one[1]["places"], one[0])):
        places.setdefault(names.setdefault(concept_key(name), name), doc["places"])
    relations = set()
    for name, doc in found:
        for one in doc["relations"]:
            source, target = names[concept_key(name)], names.get(concept_key(bare_term(one["to"])))
            if target is not None and target != source:
                relations.add(one_way(source, RelationKind(one["relation"]), target))
    return Concepts(places, frozenset(relations))
