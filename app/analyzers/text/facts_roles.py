"""Persons and places in object position: "a software engineer at Google", "in Bath", "two daughters"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase, fold, follows_well, is_gerund, noun, run, text_of
from app.analyzers.text.facts_words import word_set

#: Written small behind the name of a body: "Lumos labs".
_BODIES = word_set("labs university college hospital school library museum bank")
_KIN_KEPT = word_set("older younger elder little big twin half adopted grown")
#: Words of two-part place names that chats write in lower case.
_PLACE_PAIRS = {
    "new": frozenset(["york", "zealand", "jersey", "mexico", "england", "orleans", "hampshire", "delhi"]),
    "san": frozenset(["francisco", "diego", "jose", "antonio"]),
    "los": frozenset(["angeles"]),
    "south": frozenset(["africa", "korea", "carolina", "dakota", "wales"]),
    "north": frozenset(["carolina", "dakota", "wales"]),
    "hong": frozenset(["kong"]),
    "las": frozenset(["vegas"]),
    "costa": frozenset(["rica"]),
    "sri": frozenset(["lanka"]),
}


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody's role.

    Attributes:
        phrase: its name.
        head: the person noun ("engineer").
        former: called a former one.
        graded: called a good one.
        article: whether "a", "an" or "the" stands before it.
    """

    phrase: Phrase
    head: str
    former: bool
    graded: bool
    article: str


def _known(group: list[str], names: tuple[str, ...]) -> int:
    """How many words at the end of the group are a listed person noun: 2, 1 or 0."""
    words = lexicon()
    for size in (2, 1):
        tail = "_".join(group[-size:])
        if len(group) >= size and any(tail in words[name] for name in names):
            return size
    return 0


def _looks_personal(word: str) -> bool:
    words = lexicon()
    return (
        word.endswith(tuple(words["person_endings"]))
        and word not in words["no_persons"]
        and word not in words["vague"]
        and len(word) > 4
    )


def role(line: Line, index: int, *names: str, anyone: bool = False, bare: bool = False) -> Role | None:
    """A role noun with what describes it.

    Args:
        line: the sentence.
        index: where it must begin.
        names: lists its head must be in.
        anyone: accept what looks like a person behind "a" or "an" ("worked as a calligrapher").
        bare: accept it without an article.
    """
    words = lexicon()
    for lead in ("a bit of", "something of", "more of", "kind of", "sort of"):
        if line.matches(index, lead):
            index += len(lead.split())
    article = line.word(index) if line.word(index) in words["articles"] else ""
    index += 1 if article else 0
    if not article and (not bare or line.word(index) in words["determiners"]):
        return None
    described = line.skip(
        index, words["role_opinion"] | words["role_former"] | words["role_grade"] | words["adverbs"] | {"time"}
    )
    before = line.words[index:described]
    after = run(line, described, 5)
    while after > described + 1 and is_gerund(line.word(after - 1)):
        after -= 1
    group = line.words[described:after] if after > described else []
    if not group or line.word(described) in words["role_unheld"] or words["role_unheld"] & set(group):
        return None
    size = _known(group, names)
    if not size and not (anyone and article != "the" and article and _looks_personal(group[-1])):
        return None
    head = "_".join(group[-size:]) if size else group[-1]
    if not _held(line, article, head, group, after):
        return None
    self_noun = "self_nouns" in names and head in words["self_nouns"]
    found = _with_body(
        line, described, after, group, graded=before[-1] if before and before[-1] in words["role_grade"] else ""
    )
    # What stands behind "of" is what the role is about: without it "a teacher of the new art" says something else.
    if found.next == after and (
        line.word(after) == "of" or (head in words["needs_modifier"] and len(group) == len(head.split("_")))
    ):
        return None
    found = replace(found, lemma=head) if self_noun else found
    return Role(found, head, bool(words["role_former"] & set(before)), bool(words["role_grade"] & set(before)), article)


def _held(line: Line, article: str, head: str, group: list[str], after: int) -> bool:
    """Whether the noun is a role by itself: not "the teacher" of some story, not a mere "member"."""
    words = lexicon()
    if article == "the" and not (head in words["offices"] and line.word(after) == "of"):
        return False
    return not (
        head in words["student_nouns"]
        and len(group) > 1
        and not set(group[:-1]) & (words["student_kinds"] | words["studies"])
    )


def _with_body(line: Line, index: int, after: int, group: list[str], *, graded: str) -> Phrase:
    """From "founder of Acme", "professor of law": the body belongs to the name of an office."""
    words, proper = lexicon(), line.capital(index)
    if line.word(after) == "of" and line.word(after + 1) in words["number_words"] and group[-1] in words["parents"]:
        return Phrase(text_of([*group, "of", line.word(after + 1)]), group[-1], index, after + 2, proper=proper)
    if line.word(after) == "of":
        body = named(line, after + 1) or noun(line, after + 1, strict=False)
        if body and len(group) + 1 + len(body.slot.split()) <= 5:
            slot = [*group, "of", *body.slot.split()]
            return Phrase(text_of(slot), fold(slot), index, body.next, proper=proper)
    if "'s" in group:
        group = group[group.index("'s") + 1 :]
    shown = [graded, *group] if graded and len(group) < 5 else group
    return Phrase(text_of(shown), fold(group), index, after, proper=proper)


def named(line: Line, index: int, most: int = 4) -> Phrase | None:
    """A proper name: capitalised words, with "of" between them; "the" is kept as said."""
    words = lexicon()
    article = line.word(index) == "the"
    first = index + 1 if article else index
    at = first
    if line.word(at) in words["pronouns"] or line.word(at) in words["titles"] or not line.capital(at):
        return None
    while line.is_word(at) and at - first < most:
        if line.capital(at) and line.word(at) != "i":
            at += 1
        elif line.word(at) in {"of", "for", "'s"} and at > first and line.capital(at + 1):
            at += 2
        elif line.word(at) in {"of", "for"} and at > first and line.word(at + 1) == "the" and line.capital(at + 2):
            at += 3
        else:
            break
    group = line.words[first:at]
    if not group or group[0] in words["months"] or group[0] in {"no", "number"} or line.word(at).isdigit():
        return None
    shown = line.words[index:at]
    if len(shown) < 5 and line.word(at) in _BODIES:
        shown, group, at = [*shown, line.word(at)], [*group, line.word(at)], at + 1
    return Phrase(text_of(shown), text_of(group), index, at, proper=True) if len(shown) <= 5 else None


def place(line: Line, index: int) -> Phrase | None:
    """Where one lives or comes from: a proper name, a place known in lower case, or "a small town"."""
    words = lexicon()
    if line.word(index) == "the" and line.word(index + 1) in words["settlements"] and line.word(index + 2) == "of":
        index += 3
    if found := named(line, index):
        return _named_place(line, found)
    word, following = line.word(index), line.word(index + 1)
    if following in _PLACE_PAIRS.get(word, ()):
        return Phrase(f"{word} {following}", f"{word} {following}", index, index + 2)
    if word in words["places_lower"] or (
        word == "the" and following in {"us", "usa", "uk", "netherlands", "philippines", "states"}
    ):
        size = 2 if word == "the" else 1
        return Phrase(" ".join(line.words[index : index + size]), line.word(index + size - 1), index, index + size)
    if word == "upstate" and line.is_word(index + 1):
        return Phrase(f"upstate {following}", f"upstate {following}", index, index + 2)
    return _settlement(line, index)


def _named_place(line: Line, found: Phrase) -> Phrase | None:
    """A proper name that can be a place: no person, no initials, no state of mind, not half of a longer name."""
    words = lexicon()
    first = found.lemma.split()[0]
    if line.is_word(found.next) and not follows_well(line, found.next, loose=True):
        return replace(found, slot=found.lemma) if line.word(found.next) in {"area", "region", "suburbs"} else None
    initials = line.original(found.first).isupper() and first not in words["places_lower"]
    return None if initials or first in words["given_names"] | words["no_places"] else found


def _settlement(line: Line, index: int) -> Phrase | None:
    words = lexicon()
    article = line.word(index)
    if article not in {"a", "an", "the"}:
        return None
    after = run(line, index + 1, 3)
    kind = line.word(after - 1)
    if after <= index + 1 or kind not in words["settlements"]:
        return None
    if (article == "the") != (kind in {"country", "countryside", "suburbs", "city"}):
        return None
    group = line.words[index:after]
    fits = follows_well(line, after, loose=True) or line.word(after) in {"near", "outside", "called"}
    return Phrase(" ".join(group), " ".join(group[1:]), index, after) if fits else None


def institution(line: Line, index: int) -> Phrase | None:
    """Where one works or studies: a proper name or "a hospital"."""
    words = lexicon()
    if found := named(line, index):
        single = len(found.lemma.split()) == 1
        return None if single and found.lemma in words["given_names"] else found
    if line.word(index) not in {"a", "an"}:
        return None
    after = run(line, index + 1, 3)
    group = line.words[index:after] if after > index + 1 else []
    if group and ("_".join(group[-2:]) in words["workplaces"] or group[-1] in words["workplaces"]):
        return Phrase(" ".join(group), " ".join(group[1:]), index, after)
    return None


def listed(line: Line, index: int, *names: str) -> Phrase | None:
    """One of the listed words or pairs; an article before it is skipped: "the cello", "sign language"."""
    words = lexicon()
    first = line.skip(index, words["articles"])
    for size in (2, 1):
        group = line.words[first : first + size]
        name = "_".join(group)
        if len(group) == size and any(name in words[listing] for listing in names):
            if name in words["also_words"] and names != ("games",) and not line.capital(first):
                return None
            return Phrase(" ".join(group), fold(group), first, first + size, proper=line.capital(first))
    return None


def relatives(line: Line, index: int) -> Phrase | None:
    """From "two grown daughters", "a younger brother", "no children"."""
    words = lexicon()
    number = line.word(index)
    if number not in words["number_words"]:
        return None
    at = line.skip(index + 1, words["kin_adjectives"] | words["adverbs"])
    kin = line.word(at)
    if kin not in words["kin"] or not (
        follows_well(line, at + 1, loose=True) or line.word(at + 1) in {"who", "named", "called"}
    ):
        return None
    kept = [word for word in line.words[index + 1 : at] if word in _KIN_KEPT]
    shown = [*([number] if number != "no" else []), *kept, kin]
    return Phrase(" ".join(shown), fold([*kept, kin]), index, at + 1)
