"""Which rules read which analyzer's features.

Adding a rule is one function `(Measured) -> Iterable[Signal]` and one row here. Named as strings, so that reading this
table loads no norms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module

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


@cache
def rules_of(analyzer: str) -> tuple[Rule, ...]:
    """The rules that read an analyzer's features; none where it has none."""
    return tuple(_load(name) for name in RULES.get(analyzer, ()))


def _load(name: str) -> Rule:
    module, _, function = name.partition(":")
    rule: Rule = getattr(import_module(module), function)
    return rule


def signals_of(measured: Measured) -> Iterator[Signal]:
    """Everything that our rules read out of one feature set."""
    for rule in rules_of(measured.analyzer):
        yield from rule(measured)
