from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Context
from app.analyzers.llm.prompts import TASKS
from app.analyzers.text.facts import analyse as text_facts
from app.layers import TextLayer
from app.traits.confidence import inferred_ceiling
from app.traits.keys import identity
from app.traits.rules_facts import signals as fact_signals
from app.traits.rules_llm import KINDS, MOST_OBSERVED, MOST_STATED, STUDY, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind
from tests.unit.llm.texts import own

PLACES = [f"I work as a bookbinder in room {number} of the old mill." for number in range(8)]


def read(
    kind: str,
    thing: str,
    places: int,
    task: str = "facts",
    *,
    counter: int = 0,
    name: str = "Works as a bookbinder",
    authorship: Authorship = Authorship.SELF,
    infer: bool = False,
    rate: float = 5.0,
    **more: Any,
) -> list[Signal]:
    layer = own(*PLACES)
    spans = [layer.span(s.start, s.end).as_json() for s in layer.segments]
    usual: dict[str, Any] = {"affirmed": True, "sensitive": False, "relations": []}
    finding = {"kind": kind, "name": name, "object": thing, "places": places, **usual, **more}
    finding |= {"evidence": spans[:places], "counter": spans[places : places + counter]}
    features = {"findings": [finding], "ownWords": 3000, "firstPersonRate": rate, "language": "en", "prompt": "p.v1"}
    return [*signals(Measured(f"llm.{task}", uuid4(), features, layer, authorship), infer=infer)]


def grammar(layer: TextLayer) -> Signal:
    features = text_facts(layer, Context(authorship=Authorship.SELF)).features
    return next(iter(fact_signals(Measured("text.facts", uuid4(), features, layer, Authorship.SELF))))


@pytest.mark.parametrize("thing", ["bookbinder", "a bookbinder", "Bookbinders"])
def test_a_stated_fact_is_the_same_trait_as_the_one_that_grammar_finds(thing: str) -> None:
    (signal,) = read("occupation", thing, 1)
    ruled = grammar(own("I work as a bookbinder."))
    assert identity(signal.key, signal.name) == identity(ruled.key, ruled.name) == "fact:occupation:bookbinder"
    assert signal.claim_kind is ClaimKind.STATED


def test_what_is_loved_is_one_trait_whichever_analyzer_says_so() -> None:
    (signal,) = read("like", "reading", 1, name="Loves reading")
    ruled = grammar(own("I love reading."))
    assert identity(signal.key, signal.name) == identity(ruled.key, ruled.name)


def test_more_places_are_more_certain_and_never_certain() -> None:
    stated = [read("occupation", "bookbinder", n)[0].certainty for n in (1, 2, 4, 8)]
    observed = [read("habit", "walks", n, "traits")[0].certainty for n in (2, 3, 4, 8)]
    assert stated == sorted(stated)
    assert stated[-1] == MOST_STATED
    assert observed == sorted(observed)
    assert observed[-1] == MOST_OBSERVED
    assert read("occupation", "bookbinder", 4, counter=2)[0].certainty < stated[2]


@pytest.mark.parametrize(
    ("task", "kind"), [(t, k) for t, kinds in KINDS.items() for k in kinds if t != "llm.facts" and k != "disposition"]
)
def test_what_is_observed_needs_several_places(task: str, kind: str) -> None:
    short = task.removeprefix("llm.")
    needed = KINDS[task][kind].places
    assert needed >= 2
    assert read(kind, "walking", needed - 1, short) == []
    (signal,) = read(kind, "walking", needed, short)
    assert signal.claim_kind is ClaimKind.OBSERVED


def test_every_kind_that_may_be_answered_has_a_rule_or_is_kept_as_a_feature() -> None:
    for task, row in TASKS.items():
        assert set(KINDS.get(f"llm.{task}", {})) <= row.kinds
    assert set(KINDS["llm.facts"]) == TASKS["facts"].kinds


def test_a_disposition_is_inferred_only_if_wanted_and_under_its_ceiling() -> None:
    assert read("disposition", "extraversion", 5, "traits") == []
    (signal,) = read("disposition", "extraversion", 5, "traits", infer=True, name="Some signs of sociability")
    assert (signal.key, signal.study, signal.claim_kind) == ("disposition:extraversion:high", STUDY, ClaimKind.INFERRED)
    assert signal.z is not None
    assert inferred_ceiling(STUDY.r, signal.z) < 0.63
    (low,) = read("disposition", "extraversion", 5, "traits", infer=True, affirmed=False)
    assert low.key == "disposition:extraversion:low"
    assert read("disposition", "narcissism", 5, "traits", infer=True) == []


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_nothing_of_somebody_elses_text(authorship: Authorship) -> None:
    assert read("occupation", "bookbinder", 3, authorship=authorship) == []


def test_an_unknown_author_needs_a_first_person() -> None:
    assert read("occupation", "bookbinder", 3, authorship=Authorship.UNKNOWN, rate=0.2) == []
    assert len(read("occupation", "bookbinder", 3, authorship=Authorship.UNKNOWN, rate=2.0)) == 1


def test_a_sensitive_fact_must_be_said_twice_and_is_marked() -> None:
    assert read("health", "asthma", 1, name="Has asthma", sensitive=True) == []
    (signal,) = read("health", "asthma", 2, name="Has asthma", sensitive=True)
    assert signal.notes["sensitive"] == 1.0


def test_what_is_denied_must_say_so_in_its_name() -> None:
    assert read("like", "crowds", 1, name="Likes crowds", affirmed=False) == []
    (signal,) = read("like", "crowds", 1, name="Does not like crowds", affirmed=False)
    assert identity(signal.key, signal.name).endswith(":not")


def test_summaries_and_kinds_of_other_tasks_propose_nothing() -> None:
    assert read("point", "", 3, "summary") == []
    assert read("occupation", "bookbinder", 3, "style") == []
