"""Two readings of one text beside each other: what was found, what becomes of it as traits, what it took."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.asking import Usage
from app.errors import Misconfigured
from app.layers import TextLayer
from app.services.llm import vendors
from app.traits.rules import signals_of
from app.traits.signals import Measured
from app.vocabulary import Authorship


@dataclass(frozen=True, slots=True)
class Reading:
    """Features of one analyzer, and what it takes to draw traits from them.

    Attributes:
        analyzer: its name.
        features: `extractedFeatures`.
        layer: that they are of.
        authorship: as the person says.
        bulk: whether it was asked in batches, at their price.
    """

    analyzer: str
    features: dict[str, Any]
    layer: TextLayer
    authorship: Authorship
    bulk: bool = False

    def findings(self) -> set[tuple[str, str]]:
        """(kind, name) of each."""
        return {(finding["kind"], finding["name"]) for finding in self.features.get("findings", [])}

    def traits(self) -> dict[str, dict[str, Any]]:
        """What the rules make of it, by the trait's key: name, category and passages that prove it."""
        measured = Measured(self.analyzer, _NOBODYS, self.features, self.layer, self.authorship)
        return {
            signal.key: {"name": signal.name, "category": str(signal.category), "evidence": len(signal.evidence)}
            for signal in (signals_of(measured) if self.features else ())
        }

    def took(self) -> dict[str, Any] | None:
        """What it took: model, prompt, quotations, those that were made up, tokens and US dollars."""
        if not self.features:
            return None
        usage = Usage(**self.features["usage"])
        cost = _cost(usage, self.features["model"].split(", ")[0], bulk=self.bulk)
        return {
            "model": self.features["model"],
            "prompt": self.features["prompt"],
            "quotes": self.features["quotes"],
            "fabricated": self.features["fabricated"],
            "tokens": usage.as_json(),
            "cost": None if cost is None else str(cost),
        }


#: Signals are compared here, and stored nowhere.
_NOBODYS = UUID(int=0)


def _cost(usage: Usage, model: str, *, bulk: bool) -> Decimal | None:
    """US dollars; None where the table of models does not know it (any more)."""
    try:
        return vendors.price(usage, model, bulk=bulk)
    except Misconfigured:
        return None


def of_traits(before: Reading, after: Reading) -> dict[str, list[dict[str, Any]]]:
    """The difference of traits: `gained` and `lost`, and `changed` where other passages' number proves the same one."""
    old, new = before.traits(), after.traits()
    changed = [
        {**trait, "evidence": [old[key]["evidence"], trait["evidence"]]}
        for key, trait in sorted(new.items())
        if key in old and old[key]["evidence"] != trait["evidence"]
    ]
    return {
        "gained": [trait for key, trait in sorted(new.items()) if key not in old],
        "lost": [trait for key, trait in sorted(old.items()) if key not in new],
        "changed": changed,
    }
