"""Stated facts: what a person says of themselves in so many words, by pattern, in English.

Precision before recall: a fact is taken only where a reader of the single sentence would agree that its writer said
it of themselves. The grammar lives beside this module: `facts_clause` (does this "I" speak for itself?),
`facts_phrase` and `facts_roles` (objects), `facts_being`, `facts_life`, `facts_mind`, `facts_habits`, `facts_mine`
(what is said), `grammar/` (the words).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.analysis import Context, Result
from app.analyzers.text.facts_clause import Opening, clause_start, grin, opening, stated
from app.analyzers.text.facts_draft import AFFIRMED, NEGATED, Draft, Said
from app.analyzers.text.facts_frames import frames
from app.analyzers.text.facts_habits import habit, tends
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_lists import announced
from app.analyzers.text.facts_marks import marks
from app.analyzers.text.facts_mine import mine
from app.analyzers.text.facts_moved import moved
from app.analyzers.text.facts_verb import verb_group
from app.analyzers.text.facts_voice import voice
from app.analyzers.text.facts_words import word_set
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Prose, prose_of
from app.vocabulary import Authorship, ReasonCode, SegmentKind

#: Words one of which a sentence needs before anything else is asked of it.
_FIRST_PERSON = word_set("i i'm i've i'd i'll im ive my me")
_SUBJECTS = frozenset(["i", "my", "me"])
_QUOTATION_MARKS = frozenset("\"'“‘„«»‚`")  # noqa: RUF001 - quotation marks are meant
#: Authors whose "I" is not the person.
_OTHERS = frozenset({Authorship.OTHER, Authorship.FICTION})
_ENGLISH = frozenset({"en", "mixed", None})


def analyse(layer: TextLayer, context: Context) -> Result:
    """Find stated facts.

    Args:
        layer: any text layer; its own segments are read, quoted speech inside them is not.
        context: authorship "other" or "fiction" yields no fact.

    Returns:
        Features `{language, ownWords, sentences, voice, facts, counts}`. Each of `facts` is `{kind, predicate, slot,
        shown, lemma, polarity, tense, strength, date, sensitive, sentence, object}`: `slot` is a single term or noun
        phrase of at most five words in lower case (`shown` with its capitals), `sentence` and `object` are spans.
        `counts` is by kind, `voice` as in `facts_voice`.

    Raises:
        Refusal: the text is in a language without a grammar, or holds no own words.
    """
    if layer.language not in _ENGLISH:
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "stated facts are read in English only; this text is in another language",
            language=layer.language,
        )
    prose = prose_of(layer)
    if not prose.own_word_count:
        raise Refusal(ReasonCode.TOO_LITTLE_OWN_TEXT, "the text holds none of the person's own words")
    found = [] if context.authorship in _OTHERS else [*_facts(prose)]
    return Result(
        {
            "language": "en",
            "ownWords": prose.own_word_count,
            "sentences": len(prose.sentences),
            "voice": voice(prose),
            "facts": found,
            "counts": dict(Counter(fact["kind"] for fact in found)),
        }
    )


def _facts(prose: Prose) -> Iterator[dict[str, Any]]:
    seen: set[tuple[str, str, str]] = set()
    for sentence in prose.sentences:
        # The "I" of a poem is the poem's.
        verse = prose.layer.segments[sentence.segment].kind is SegmentKind.VERSE
        if verse or not any(token[0] in _FIRST_PERSON for token in prose.tokens_of(sentence)):
            continue
        line = Line(prose, sentence)
        if not stated(line):
            continue
        weaker = 0.25 if grin(line) else 0.0
        text = prose.layer.text[sentence.start : sentence.end]
        for draft in drafts(line):
            # A signature line or a forwarded copy repeats itself word for word; it says nothing twice.
            key = (draft.kind, draft.lemma, text)
            if key not in seen and draft.slot:
                seen.add(key)
                yield _as_json(prose, line, draft, weaker)
    for item, predicate, phrase in announced(prose):
        polarity = NEGATED if predicate in {"hate", "dislike"} else AFFIRMED
        draft = Draft("like", predicate, phrase.slot, phrase.lemma, phrase.first, phrase.next, polarity=polarity)
        yield _as_json(prose, item, draft, 0.0)


def drafts(line: Line) -> Iterator[Draft]:
    """Every fact of one sentence."""
    for index, word in enumerate(line.words):
        if word in _SUBJECTS and _opens_quotation(line, index):
            continue
        if word == "who" and line.word(index - 1) in {"someone", "somebody", "person"}:
            yield from _someone_who(line, index)
        elif word == "i":
            yield from _spoken(line, index)
        elif word == "my":
            yield from mine(line, index)
        elif word == "me":
            yield from moved(line, index)
    yield from marks(line)


def _opens_quotation(line: Line, index: int) -> bool:
    """Whether a quotation mark stands right before the word: somebody is made to say it."""
    start = line.starts[index]
    return start > 0 and line.text[start - 1] in _QUOTATION_MARKS


def _spoken(line: Line, index: int) -> Iterator[Draft]:
    opened = opening(line, index)
    verb = verb_group(line, index + 1) if opened else None
    if opened is None or verb is None:
        return
    if opened.timed and verb.tense == "present":
        return
    said = Said(line, opened, verb)
    found = _read(said)
    yield from found
    if found:
        yield from _continued(said, max(draft.next for draft in found))


def _read(said: Said) -> list[Draft]:
    found = [draft for reader in frames().get(said.verb.lemma, ()) for draft in reader(said)]
    return found or [*tends(said), *habit(said)]


def _continued(said: Said, at: int) -> Iterator[Draft]:
    """A second verb of the same subject: "I am a nurse and love reading"."""
    line = said.line
    joint = line.skip(at, {",", "and", "but"})
    if joint == at or line.word(joint - 1) not in {"and", "but"}:
        return
    verb = verb_group(line, joint)
    if (
        verb
        and verb.lemma in frames()
        and verb.tense == said.verb.tense
        and line.word(joint) not in lexicon()["pronouns"]
    ):
        yield from _read(Said(line, said.opened, verb))


def _someone_who(line: Line, index: int) -> Iterator[Draft]:
    """From "As someone who has always valued independence", "I am a person who loves maps"."""
    begins = line.word(index - 2) == "as" and clause_start(line, index) == index - 2
    at = index - 3 if line.word(index - 2) in {"a", "of"} else index - 2
    owned = line.word(at) in {"am", "'m"} and line.word(at - 1) == "i"
    if not begins and not owned:
        return
    turned = line.in_first_person(index + 1)
    verb = verb_group(turned, index + 1)
    if verb:
        yield from _read(Said(turned, Opening(), verb))


def _as_json(prose: Prose, line: Line, draft: Draft, weaker: float) -> dict[str, Any]:
    layer = prose.layer
    sentence = line.sentence
    segment = layer.segments[sentence.segment]
    first, last = line.starts[draft.first], line.ends[max(draft.next - 1, draft.first)]
    return {
        "kind": draft.kind,
        "predicate": draft.predicate,
        "slot": draft.slot,
        "shown": _shown(line, draft),
        "lemma": draft.lemma,
        "polarity": draft.polarity,
        "tense": draft.tense,
        "strength": round(max(0.1, draft.plain - weaker), 2),
        "date": segment.date,
        "sensitive": draft.sensitive,
        "sentence": layer.span(sentence.start, sentence.end).as_json(),
        "object": layer.span(first, last).as_json(),
    }


def _shown(line: Line, draft: Draft) -> str:
    """The slot with the capitals that it has in the text, and those that a language or country has everywhere."""
    near = range(max(1, draft.first - 2), min(draft.next + 2, len(line)))
    written = {line.word(at): line.original(at) for at in near if line.is_word(at) and line.capital(at)}
    shouted = line.text[line.sentence.start : line.sentence.end].isupper()
    return " ".join(_cased(word, {} if shouted else written) for word in draft.slot.split())


def _cased(word: str, written: dict[str, str]) -> str:
    words = lexicon()
    stem = word.removesuffix("'s")
    spelling = written.get(stem, "")
    # "I AM A DREAMER" shouts; only short words are written so ("SRE").
    if spelling and not (len(stem) > 4 and spelling.isupper()):
        return spelling + word[len(stem) :]
    if word in words["places_lower"] and len(word) < 4:
        return word.upper()
    return word.capitalize() if word in words["named_words"] else word
