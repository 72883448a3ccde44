"""The verb of a first-person subject: its tense, whether it is denied, and how firmly it is meant."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.analyzers.text.facts_lexicon import BASE, GERUND, PARTICIPLE, PAST, lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import adverb
from app.analyzers.text.facts_words import word_set

_BE = word_set("am 'm was are 're were is 's be been being")
_BE_NOW = frozenset(["am", "'m", "are", "'re", "is"])
_HAVE = frozenset(["have", "'ve", "had", "has"])
_THEN = frozenset(["had", "'d"])
_HOW_OFTEN = word_set(
    "always usually normally typically often frequently regularly constantly rarely seldom habitually invariably"
)
_ONLY_PARTLY = word_set("necessarily entirely only just particularly especially exactly completely totally quite")
_MODAL = {"ca": "can", "could": "can", "'ll": "will", "wo": "will"}
#: One form for now and then; without an auxiliary "now" is the better guess for a habit.
_SAME_FORMS = frozenset(["read", "set", "put", "cut"])
_PARTICIPLE_AS_BASE = frozenset(["run", "come", "become"])
#: Participles that describe after "am" and are no passive.
_STATES = frozenset(["set", "cut", "married", "retired", "divorced"])
#: Words of short insertions between commas: "I am, by nature, ..."
_INSERTED = word_set("by nature at heart of course for one like him her them in general")


@dataclass(slots=True)
class Verb:
    """A verb group with a first-person subject.

    Attributes:
        lemma: of the main verb.
        tense: present, past or perfect.
        at: index of the main verb.
        next: index behind it.
        negated: "not", "never", "no longer".
        modal: "can", "would" and so on; empty where there is none.
        progressive: "am working".
        passive: "was born".
        often: word of frequency: "always", "never", "used to"; empty where there is none.
        firm: number of adverbs that make it plainer.
        soft: number of adverbs that take something back.
        adverbs: all of them.
    """

    lemma: str
    tense: str
    at: int
    next: int
    negated: bool = False
    modal: str = ""
    progressive: bool = False
    passive: bool = False
    often: str = ""
    firm: int = 0
    soft: int = 0
    adverbs: list[str] = field(default_factory=list)


class _Group:
    """A verb group while it is read, word by word."""

    def __init__(self, line: Line, index: int) -> None:
        self.line = line
        self.at = index
        self.chain: list[str] = []
        self.found = Verb(lemma="", tense="", at=-1, next=-1)

    def read(self) -> Verb | None:
        """Auxiliaries, negations and adverbs, then the main verb; None where it is not understood."""
        words, found = lexicon(), self.found
        while self.at < len(self.line):
            taken = self._insertion() or self._negation() or self._adverb() or self._auxiliary()
            if taken < 0:
                return None
            if not taken:
                break
            self.at += taken
        else:
            return None
        found.firm = sum(1 for word in found.adverbs if word in words["firm_adverbs"])
        found.soft += sum(1 for word in found.adverbs if word in words["soft_adverbs"])
        found.often = found.often or next((word for word in found.adverbs if word in _HOW_OFTEN), "")
        return self._main()

    def _insertion(self) -> int:
        """Words of "I, too, am"; -1 where a comma parts something else, or the plain reading is spoilt."""
        line = self.line
        if line.words[self.at] in lexicon()["spoilers"]:
            return -1
        if line.words[self.at] != ",":
            return 0
        closing = next((end for end in range(self.at + 2, min(self.at + 6, len(line))) if line.words[end] == ","), 0)
        known = lexicon()["adverbs"] | _INSERTED
        inside = line.words[self.at + 1 : closing]
        return closing - self.at + 1 if closing and all(word in known for word in inside) else -1

    def _negation(self) -> int:
        word, found = self.line.words[self.at], self.found
        if word == "no" and self.line.word(self.at + 1) == "longer":
            found.negated = True
            return 2
        if word not in lexicon()["negations"]:
            return 0
        found.negated = not found.negated
        found.often = "never" if word == "never" else found.often
        return 1

    def _adverb(self) -> int:
        line, found = self.line, self.found
        word = line.words[self.at]
        if word in lexicon()["adverbs"] or (adverb(word) and line.word(self.at + 1) not in {"", ".", ","}):
            # "I don't always like" denies the "always" and not the liking.
            if found.negated and word in _HOW_OFTEN | _ONLY_PARTLY:
                return -1
            found.adverbs.append(word)
            return 1
        if line.matches(self.at, "kind of") or line.matches(self.at, "sort of"):
            found.soft += 1
            return 2
        return 0

    def _auxiliary(self) -> int:
        word = self.line.words[self.at]
        if word not in lexicon()["auxiliaries"]:
            return 0
        # "I do have": the main verb.
        if self.chain and word in {"have", "do"} and self.chain[-1] in {"do", "did", "can", "'ll", "will"}:
            return 0
        self.chain.append(word)
        return 1

    def _main(self) -> Verb | None:
        """The main verb behind the auxiliaries."""
        words, found, chain = lexicon(), self.found, self.chain
        word = self.line.words[self.at]
        lemma, form = words.forms.get(word, ("", ""))
        found.at, found.next = self.at, self.at + 1
        modal = next((auxiliary for auxiliary in chain if auxiliary in words["modals"]), "")
        if "'d" in chain and not modal:
            modal = "" if form in {PARTICIPLE, PAST} or "been" in chain else "would"
        found.modal = _MODAL.get(modal, modal)
        found.tense = "past" if modal == "could" else ""
        last = chain[-1] if chain else ""
        if last in _BE:
            return None if found.modal else self._be(word, lemma, form)
        if last in _HAVE or (last == "'d" and not modal):
            return self._have(word, lemma, form)
        if not self.line.is_word(self.at) or (word in words["function"] and not lemma):
            return None
        if word == "used" and self.line.word(self.at + 1) == "to" and not chain:
            return self._used_to()
        return self._simple(word, lemma, form)

    def _be(self, word: str, lemma: str, form: str) -> Verb:
        """From "am", "was", "have been", with what follows: progressive, passive, or a complement."""
        words, found, chain = lexicon(), self.found, set(self.chain)
        if chain & (_HAVE | _THEN):
            found.tense = "past" if chain & _THEN else "perfect"
        else:
            found.tense = "present" if chain & _BE_NOW and "was" not in chain else "past"
        if form == GERUND and word != "being" and self.line.word(self.at - 1) not in words["articles"]:
            found.lemma, found.progressive = lemma, True
        elif form in {PARTICIPLE, PAST} and word in words.participles and word not in _STATES:
            found.lemma, found.passive = lemma, True
        else:
            found.lemma, found.at, found.next = "be", self.at - 1, self.at
        return found

    def _have(self, word: str, lemma: str, form: str) -> Verb | None:
        """From "have": the perfect of what follows, or itself."""
        found, chain = self.found, self.chain
        if word == "to":
            return None
        perfect = "past" if _THEN & set(chain) else "perfect"
        if form in {PAST, PARTICIPLE} or (not lemma and word.endswith("ed") and self.line.is_word(self.at)):
            found.lemma, found.tense = lemma or word, perfect
            return found
        found.lemma, found.at, found.next = "have", self.at - 1, self.at
        alone = len(chain) == 1 and chain[0] not in _THEN
        found.tense = "present" if alone else "past" if chain[0] in _THEN else "perfect"
        return found

    def _used_to(self) -> Verb | None:
        inner = self.line.skip(self.at + 2, lexicon()["adverbs"])
        base = self.line.word(inner)
        lemma, form = lexicon().forms.get(base, (base, BASE))
        found = self.found
        found.lemma, found.tense, found.often, found.at, found.next = lemma, "past", "used to", inner, inner + 1
        return found if form == BASE and self.line.is_word(inner) else None

    def _simple(self, word: str, lemma: str, form: str) -> Verb | None:
        """A main verb alone or behind "do" and modals."""
        found, chain = self.found, self.chain
        found.lemma = lemma or word
        if chain:
            found.tense = found.tense or ("past" if chain[0] == "did" else "present")
            return found if form in {"", BASE} or word in _SAME_FORMS | _PARTICIPLE_AS_BASE else None
        if form in {PARTICIPLE, GERUND} and word not in _PARTICIPLE_AS_BASE:
            return None
        past = form == PAST or (not form and word.endswith("ed"))
        found.tense = "past" if past and word not in _SAME_FORMS else "present"
        return found


def verb_group(line: Line, index: int) -> Verb | None:
    """The verb of the subject before this index; None where it is not understood."""
    return _Group(line, index).read()
