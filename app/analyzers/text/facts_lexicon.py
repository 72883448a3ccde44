"""The words of the stated-facts grammar: closed classes, verbs, occupations, traits.

Read once per process from `grammar/en_*.toml`, which were written for this project. Every list is a set of lower-case
words; phrases are joined by "_".
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from app.analyzers.text.facts_inflect import gerund, past
from app.analyzers.text.facts_words import word_set

#: What a form of a verb is.
BASE, PAST, PARTICIPLE, GERUND = "base", "past", "participle", "gerund"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All word lists of one language.

    Attributes:
        sets: list name to its words.
        forms: inflected form to (lemma, what it is); a form that is past and participle counts as past.
        participles: every known past participle.
        prepositions_of: verb to the prepositions it takes its object by.
        folds: lemma to the lemma it counts as ("book" as "read").
    """

    sets: dict[str, frozenset[str]]
    forms: dict[str, tuple[str, str]]
    participles: frozenset[str]
    prepositions_of: dict[str, frozenset[str]]
    folds: dict[str, str]

    def __getitem__(self, name: str) -> frozenset[str]:
        return self.sets[name]


@cache
def lexicon() -> Lexicon:
    """The English lexicon."""
    folder = files("app.analyzers.text") / "grammar"
    words, people, verbs = (
        tomllib.loads((folder / name).read_text("utf-8"))
        for name in ("en_words.toml", "en_people.toml", "en_verbs.toml")
    )
    irregular: dict[str, str] = verbs["irregular"]
    classes: dict[str, str] = verbs["classes"]
    prepositions = dict(item.split("=") for item in classes.pop("takes_preposition").split())
    sets = {name: word_set(listed) for name, listed in {**words, **people, **classes}.items()}
    sets["function"] = frozenset().union(
        *(
            sets[name]
            for name in ("determiners", "pronouns", "relatives", "conjunctions", "prepositions", "auxiliaries")
        )
    )
    sets["named_words"] = sets["languages"] | sets["nationalities"] | sets["places_lower"] | sets["weekdays"]
    sets["bases"] = frozenset(irregular) | sets["framed"] | sets["activities"] | sets["light"]
    forms: dict[str, tuple[str, str]] = {}
    participles: set[str] = set()
    for name in ("framed", "activities", "light", "pleases", "displeases", "frightens"):
        for lemma in sorted(sets[name] - irregular.keys()):
            forms |= {gerund(lemma): (lemma, GERUND), past(lemma): (lemma, PAST), lemma: (lemma, BASE)}
            participles.add(past(lemma))
    for lemma, listed in irregular.items():
        simple, participle, ing = listed.split()
        forms |= {participle: (lemma, PARTICIPLE), ing: (lemma, GERUND), simple: (lemma, PAST), lemma: (lemma, BASE)}
        participles.add(participle)
    forms |= {form: (lemma, PAST) for form, lemma in verbs["variants"].items()}
    participles.update(verbs["variants"])
    return Lexicon(
        sets=sets,
        forms=forms,
        participles=frozenset(participles),
        prepositions_of={verb: frozenset(listed.split(",")) for verb, listed in prepositions.items()},
        folds=verbs["folds"],
    )
