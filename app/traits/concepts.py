"""Concepts: what a person's texts are about, and how that hangs together, put together from all packages.

Names are one concept where their keys fold to the same, as with topics among the traits: "bee" and "the Bees" are one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from app.traits.keys import fold
from app.vocabulary import RelationKind

#: Family of the keys of traits that say what somebody writes about.
TOPIC = "topic:"
#: Places that lie apart which a concept needs, and words that it may have: it is no passage.
LEAST_PLACES, MOST_WORDS = 2, 5

#: Source, kind and target.
Relation = tuple[str, RelationKind, str]


@dataclass(frozen=True, slots=True)
class Concepts:
    """What one package is about.

    Attributes:
        places: paragraphs or messages that show a concept, by its name.
        relations: between those names.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    relations: frozenset[Relation] = frozenset()


@dataclass(frozen=True, slots=True)
class Web:
    """What all packages of a person together are about.

    Attributes:
        places: of all packages, by the name that is shown.
        relations: packages that say so, by names that are shown.
        names: the name that is shown, by `concept_key`; those of topics are among them.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    relations: Mapping[Relation, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def concept_key(name: str) -> str:
    """What makes names one concept: the folded key of a topic of that name."""
    return fold(TOPIC + name)


def is_term(name: str) -> bool:
    """Whether it can be a concept's name."""
    return len(name.split()) <= MOST_WORDS and concept_key(name) != TOPIC


def woven(
    told: Iterable[tuple[str, int]],
    related: Iterable[tuple[str, RelationKind, str, int]],
    topics: Iterable[str] = (),
    hidden: Collection[str] = frozenset(),
) -> Web:
    """Concepts of all packages as one web.

    A concept is more general than another, or the other than it: where packages contradict each other, directly or
    around a circle, those that are more count, and as many on both sides say nothing. No concept relates to itself.

    Args:
        told: names and places, of any packages.
        related: source, kind, target, and how many packages say so; names that nothing is told of are left out.
        topics: names that concepts go by already; the first of several for one concept is taken.
        hidden: `concept_key` of those that are left out, with all that relates to them.
    """
    names: dict[str, str] = {}
    for name in topics:
        names.setdefault(concept_key(name), name)
    keys: dict[str, str] = {}
    spoken = defaultdict(list)
    for name, places in told:
        if (key := concept_key(name)) not in hidden and key != TOPIC:
            spoken[key].append((-places, name))
            keys[name] = key
    for key, found in spoken.items():
        names.setdefault(key, min(found)[1])
    packages: dict[Relation, int] = defaultdict(int)
    for source, kind, target, number in related:
        one, other = keys.get(source), keys.get(target)
        if one is not None and other is not None and one != other:
            packages[one_way(one, kind, other)] += number
    return Web(
        {names[key]: -sum(places for places, _ in found) for key, found in spoken.items()},
        {(names[one], kind, names[other]): number for (one, kind, other), number in _uncircled(packages).items()},
        names,
    )


def one_way(source: str, kind: RelationKind, target: str) -> Relation:
    """A relation; where both ways say the same, there is one way to say it."""
    if kind is RelationKind.ASSOCIATED_WITH and target < source:
        source, target = target, source
    return source, kind, target


def _uncircled(packages: Mapping[Relation, int]) -> dict[Relation, int]:
    """Without what is more general than itself: the relations that most packages bear out come first."""
    kept, alike = {}, defaultdict(list)
    for one, number in packages.items():
        if one[1] is RelationKind.IS_A_TYPE_OF:
            alike[number].append(one)
        else:
            kept[one] = number
    general: dict[str, set[str]] = defaultdict(set)
    for number in sorted(alike, reverse=True):
        for source, _, target in alike[number]:
            general[source].add(target)
        circle = _circles(general)
        for one in alike[number]:
            source, _, target = one
            if circle[source] == circle[target]:
                general[source].discard(target)
            else:
                kept[one] = number
    return kept


def _circles(links: Mapping[str, Collection[str]]) -> dict[str, int]:
    """A number for each node, which two nodes share where each can be reached from the other (Kosaraju)."""
    backwards: dict[str, set[str]] = defaultdict(set)
    for source, targets in links.items():
        for target in targets:
            backwards[target].add(source)
    left = _left([*links, *backwards], links)
    numbers: dict[str, int] = {}
    for number, start in enumerate(reversed(left)):
        waiting = [start]
        while waiting:
            if (node := waiting.pop()) not in numbers:
                numbers[node] = number
                waiting += backwards.get(node, ())
    return numbers


def _left(nodes: Iterable[str], links: Mapping[str, Collection[str]]) -> list[str]:
    """Nodes in the order in which a walk into the depth leaves them."""
    seen: set[str] = set()
    order = []
    for start in nodes:
        waiting = [(start, False)]
        while waiting:
            node, left = waiting.pop()
            if left:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                waiting.append((node, True))
                waiting += [(target, False) for target in links.get(node, ()) if target not in seen]
    return order
