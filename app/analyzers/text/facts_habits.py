"""Habits that somebody tells of: "every morning I walk to work", "I never read horoscopes"."""

from __future__ import annotations

from collections.abc import Iterator

from wordfreq import zipf_frequency

from app.analyzers.text.facts_draft import Draft, Said
from app.analyzers.text.facts_inflect import third
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase, activity, complement, fold, follows_well
from app.analyzers.text.facts_words import word_set

_EACH = frozenset(["every", "each"])
_TIMES = word_set(
    "day morning afternoon evening night week weekend month year summer winter spring autumn sunday monday "
    "tuesday wednesday thursday friday saturday"
)
_ON_DAYS = word_set(
    "sundays mondays tuesdays wednesdays thursdays fridays saturdays weekends weekdays mornings evenings"
)
_ONE_WORD = frozenset(["daily", "weekly", "nightly"])
_OFTEN = {
    "always": "always",
    "usually": "usually",
    "normally": "usually",
    "typically": "usually",
    "often": "often",
    "frequently": "often",
    "regularly": "regularly",
    "never": "never",
    "rarely": "rarely",
    "seldom": "rarely",
    "invariably": "always",
    "habitually": "usually",
}
_CONDITIONS = word_set("until till unless if when except before after without but during on at in")
#: "every day" in the first days of something is no habit of a life.
_MOST_WORDS = 5
#: Commonness (Zipf scale) below which an unlisted word is rather a slip of the pen or a name than a verb.
LEAST_ZIPF = 4.0


def frequency(words: list[str] | tuple[str, ...]) -> str:
    """The first phrase of regularity in a run of words: "every week", "on sundays"; empty where there is none."""
    return next(filter(None, map(_frequency, words, [*words[1:], ""], [*words[2:], "", ""])), "")


def _frequency(word: str, second: str, third_word: str) -> str:
    if word in _EACH and second in _TIMES:
        return f"every {second}"
    if word in _ON_DAYS:
        return f"in the {word}" if word in {"mornings", "evenings"} else f"on {word}"
    if word in {"once", "twice"} and second == "a" and third_word in _TIMES:
        return f"{word} a {third_word}"
    return word if word in _ONE_WORD else ""


def habit(said: Said) -> Iterator[Draft]:
    """A present habit: how often, and what."""
    line, verb = said.line, said.verb
    if verb.tense != "present" or verb.modal or verb.progressive or verb.passive or said.opened.plain < 1:
        return
    if verb.lemma == "spend":
        yield from _spends(said)
        return
    often = _OFTEN.get(verb.often, "")
    found = complement(line, verb.at, verb.lemma, third(verb.lemma)) if _active(said, often) else None
    # "I never light a lamp until ..." is a condition and not a habit.
    if found is None or (often == "never" and line.word(found.next) in _CONDITIONS):
        return
    when = frequency(said.opened.lead) or frequency(line.words[found.next : found.next + 4])
    slot = found.slot.split()
    says_little = len(slot) == 1 and (verb.lemma not in lexicon()["activities"] or (often == "regularly" and not when))
    if says_little or not (often or when) or not _tells(slot):
        return
    if when and not often and len(slot) + len(when.split()) <= _MOST_WORDS:
        slot += when.split()
    shown = Phrase(" ".join(slot), fold([verb.lemma, *found.slot.split()[1:]]), verb.at, found.next)
    yield said.draft("habit", often or "regularly", shown)


def _active(said: Said, often: str) -> bool:
    """Whether the verb is something that one does, and known to be a verb."""
    words, verb = lexicon(), said.verb
    if verb.lemma in words["stative"] or (verb.negated and often != "never") or not said.line.word(verb.at).isalpha():
        return False
    return verb.lemma in words["bases"] or zipf_frequency(verb.lemma, "en", wordlist="small") >= LEAST_ZIPF


def _tells(slot: list[str]) -> bool:
    """Whether the habit says something without its sentence."""
    words = lexicon()
    return not any(
        word in words["vague"] and word not in {"day", "morning", "night", "week", "year", "month", "mornings"}
        for word in slot
    )


def _spends(said: Said) -> Iterator[Draft]:
    """From "At the end of each week, I spend 30-60 minutes writing down ..."."""
    line, at = said.line, said.verb.next
    when = frequency(said.opened.lead)
    end = at
    while end < min(at + 8, len(line)) and activity_start(line, end) is None:
        end += 1
    found = activity_start(line, end)
    if found is None:
        return
    when = when or frequency(line.words[at:end]) or frequency(line.words[found.next : found.next + 4])
    if not when or said.verb.negated:
        return
    slot = ["spends", "time", *found.slot.split(), *when.split()]
    if len(slot) > _MOST_WORDS:
        slot = ["spends", "time", found.slot.split()[0], *when.split()]
    if len(slot) <= _MOST_WORDS:
        yield said.draft(
            "habit", "regularly", Phrase(" ".join(slot), fold([found.slot.split()[0]]), said.verb.at, found.next)
        )


def activity_start(line: Line, index: int) -> Phrase | None:
    """A gerund there, kept without its object where the object says nothing alone."""
    word = line.word(index)
    if not (len(word) > 4 and word.endswith("ing") and word not in lexicon()["ing_nouns"]):
        return None
    found = activity(line, index)
    if found:
        return found
    return (
        Phrase(word, fold([word]), index, index + 1, gerund=True)
        if word not in {"being", "having", "getting", "doing"}
        else None
    )


def tends(said: Said) -> Iterator[Draft]:
    """From "I tend to overthink", "I have a habit of interrupting"."""
    line, at = said.line, said.verb.next
    if said.verb.tense != "present" or said.verb.modal:
        return
    if said.verb.lemma == "tend" and line.word(at) == "to":
        verb = line.word(at + 1)
        words = lexicon()
        if verb in words["stative"] or not verb.isalpha() or verb in words["function"]:
            return
        found = complement(line, at + 1, verb, verb)
        if (
            found
            and (len(found.slot.split()) > 1 or (follows_well(line, found.next) and len(verb) > 3))
            and _tells(found.slot.split())
        ):
            yield said.draft("habit", "tends to", found)
    elif said.verb.lemma == "have" and (
        line.matches(at, "a habit of") or line.matches(at, "the habit of") or line.matches(at, "a bad habit of")
    ):
        found = activity(line, line.words.index("of", at) + 1)
        if found:
            yield said.draft("habit", "has a habit of", found)
    elif said.verb.lemma == "make" and line.matches(at, "a point of"):
        found = activity(line, at + 3)
        if found:
            yield said.draft("habit", "makes a point of", found)
