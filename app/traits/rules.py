"""Which rules read which analyzer's features.

Adding a rule is one function `(Measured) -> Iterable[Signal]` and one row here. Named as strings, so that reading this
table loads no norms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from app.traits.concepts import Concepts
from app.traits.signals import Measured, Signal

Rule = Callable[[Measured], Iterable[Signal]]

#: Analyzer to "module:function"; an analyzer without a row has features and proposes nothing.
RULES: dict[str, tuple[str, ...]] = {
    "text.style": ("app.traits.rules_habits:signals", "app.traits.rules_dispositions:signals"),
    "text.facts": ("app.traits.rules_facts:signals",),
    "text.topics": ("app.traits.rules_topics:signals",),
    "audio.prosody": ("app.traits.rules_voice:signals",),
    "text.sentiment_model": ("app.traits.rules_models:signals",),
    "text.emotion_model": ("app.traits.rules_models:signals",),
    "llm.traits": ("app.traits.rules_llm:signals",),
    "llm.facts": ("app.traits.rules_llm:signals",),
    "llm.concepts": ("app.traits.rules_llm:signals",),
    "llm.style": ("app.traits.rules_llm:signals",),
    "llm.stance": ("app.traits.rules_llm:signals",),
}
#: The same for what tells the concepts that a package is about: `(Measured) -> Concepts`.
CONCEPTS: dict[str, str] = {"llm.concepts": "app.traits.rules_concepts:concepts"}


@cache
def rules_of(analyzer: str) -> tuple[Rule, ...]:
    """The rules that read an analyzer's features; none where it has none."""
    return tuple(_load(name) for name in RULES.get(analyzer, ()))


def _load(name: str) -> Any:  # noqa: ANN401 - a rule of either kind
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def signals_of(measured: Measured) -> Iterator[Signal]:
    """Everything that our rules read out of one feature set."""
    for rule in rules_of(measured.analyzer):
        yield from rule(measured)


def concepts_of(measured: Measured) -> Concepts | None:
    """What a package is about, by one feature set; None where that does not tell."""
    if measured.analyzer not in CONCEPTS:
        return None
    found: Concepts = _load(CONCEPTS[measured.analyzer])(measured)
    return found
