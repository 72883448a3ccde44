"""Rules that read `text.topics`: a topic that recurs over a text and that its writer relates to themselves.

A frequent word is no interest. "Often writes about" is said only where the topic comes back in several places and the
person speaks of themselves in some of them; of a text without a first person only that it is about something, and
that with little certainty. Where the person says that they like the thing, the stated fact leads and the counted topic
is left out; where they say that they dislike it, it is no interest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from app.layers import Span, TextLayer
from app.traits.keys import lemma
from app.traits.rules_facts import NOT_THE_PERSON, clipped
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, TraitCategory

#: Places and tenths of the text that a topic must be seen in, and how uneven it may be (0 even, 1 all in one tenth).
LEAST_PLACES, LEAST_PARTS, MOST_DISPERSION = 4, 4, 0.7
#: Places in which the person speaks of themselves together with it.
LEAST_PERSONAL = 4
#: From how many of these on it is "often".
OFTEN_PLACES = 8
#: Own words below which counted topics say nothing.
LEAST_WORDS = 350
#: Topics of a long text, of one under so many own words, and of one without a first person.
MOST_TOPICS, MOST_OF_SHORT, SHORT_WORDS, MOST_IMPERSONAL = 5, 3, 5000, 3
MAX_EVIDENCE = 4
#: Genres whose topics are their characters' or their art's.
NOBODYS = frozenset({"dialogue", "script", "verse"})
_TALK = frozenset({"transcript", "chat"})
_MOST_WORDS = 6


def signals(measured: Measured) -> Iterable[Signal]:
    """The topics that stand out, at most five; nothing from other people's texts, plays, stories and verse."""
    layer, features = measured.layer, measured.features
    if layer is None or measured.authorship in NOT_THE_PERSON or features["ownWords"] < LEAST_WORDS:
        return
    genre = features["voice"]["genre"]
    if genre in NOBODYS and measured.authorship is not Authorship.SELF:
        return
    told = features["voice"]["firstPersonRate"] >= 1 and (
        genre == "first_person" or measured.authorship is Authorship.SELF
    )
    spread = [
        t
        for t in features["topics"]
        if t["places"] >= LEAST_PLACES and t["parts"] >= LEAST_PARTS and t["dispersion"] <= MOST_DISPERSION
    ]
    liked = _stated(measured, affirmed=True)
    chosen = [
        t for t in spread if (not told or t["personalPlaces"] >= LEAST_PERSONAL) and not liked & _lemmas(t["term"])
    ]
    best = _distinct(sorted(chosen, key=lambda t: -_weight(t)))
    most = MOST_IMPERSONAL if not told else MOST_OF_SHORT if features["ownWords"] < SHORT_WORDS else MOST_TOPICS
    yield from (_signal(measured, layer, topic, told=told) for topic in best[:most])


def _weight(topic: dict[str, Any]) -> float:
    """How far a topic stands out, evenly spread ones first."""
    evenness: float = 1 - topic["dispersion"]
    shared: float = min(topic["personalPlaces"], 10) / 10
    return math.log(topic["g2"]) * evenness * (1 + shared)


def _distinct(topics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those whose words another one holds: "promotion" beside "promotion committee"."""
    kept: list[dict[str, Any]] = []
    for topic in topics:
        words = set(topic["term"].split())
        if (
            not any(words & set(other["term"].split()) for other in kept)
            and len(topic["shown"].split()) <= _MOST_WORDS - 3
        ):
            kept.append(topic)
    return kept


def _signal(measured: Measured, layer: TextLayer, topic: dict[str, Any], *, told: bool) -> Signal:
    verb = "talks" if layer.kind in _TALK or layer.facts.get("register") in {"chat", "speech"} else "writes"
    often = told and topic["personalPlaces"] >= OFTEN_PLACES
    name = f"Often {verb} about {topic['shown']}" if often else f"{verb.capitalize()} about {topic['shown']}"
    own_words = measured.features["ownWords"]
    times = topic["count"] / max(topic["expected"], 1e-9)
    return Signal(
        key=f"topic:{topic['term']}",
        name=name,
        description=(
            f"“{topic['shown']}” comes {topic['count']} times in {own_words:,} own words, {_times(times)} as often as "
            f"in general, in {topic['places']} places over {topic['parts']} tenths of the text; in "
            f"{topic['personalPlaces']} of them together with the first person."
        ),
        category=_category(measured, topic, told=told),
        claim_kind=ClaimKind.OBSERVED,
        analyzer=measured.analyzer,
        feature_set_id=measured.feature_set_id,
        evidence=tuple(_evidence(layer, topic, told=told)),
        certainty=_certainty(topic, told=told),
        specificity=round(min(0.6, 0.25 + topic["logRatio"] / 25), 3),
        occurrences=topic["places"],
        own_words=own_words,
        notes={key: float(topic[key]) for key in ("count", "g2", "logRatio", "places", "dispersion", "personal")},
    )


def _category(measured: Measured, topic: dict[str, Any], *, told: bool) -> TraitCategory:
    """An interest where the person relates to it and does not dislike it; a name (a town, a firm) is knowledge."""
    if not told or topic["proper"] or _stated(measured, affirmed=False) & _lemmas(topic["term"]):
        return TraitCategory.KNOWLEDGE_DOMAIN
    return TraitCategory.INTEREST


def _stated(measured: Measured, *, affirmed: bool) -> set[str]:
    """Lemmas of what the person says that they like, or dislike, in the same package."""
    facts = measured.siblings.get("text.facts", {}).get("facts", [])
    likings = [fact for fact in facts if fact["kind"] == "like" and (fact["polarity"] == "affirmed") == affirmed]
    words = {word for fact in likings for word in _lemmas(fact["lemma"])}
    # Facts count books as reading.
    return words | {"book"} if "read" in words else words


def _lemmas(phrase: str) -> set[str]:
    return {lemma(word) for word in phrase.split()}


def _times(times: float) -> str:
    return "more than 1,000 times" if times > 1000 else f"{times:,.0f} times"


def _certainty(topic: dict[str, Any], *, told: bool) -> float:
    """By places with the first person and by evenness; what the person does not relate to is hardly a trait."""
    if not told:
        return 0.5
    shared: float = min(topic["personalPlaces"], 12) / 12
    evenness: float = 1 - topic["dispersion"]
    return round(0.6 + 0.12 * shared + 0.08 * evenness, 3)


def _evidence(layer: TextLayer, topic: dict[str, Any], *, told: bool) -> Iterator[Span]:
    """Sentences with the term, those in the first person only where there are such; readable ones first."""
    spans = [Span.from_json(doc) for doc in topic["instances"]]
    own = [span for span in spans if span.label] if told else spans
    readable = sorted(own, key=lambda span: not 40 <= span.end - span.start <= 300)
    for span in readable[:MAX_EVIDENCE]:
        yield clipped(layer, span, Span(span.start, span.start + 1))
