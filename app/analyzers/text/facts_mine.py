"""What is said without "I" as subject: "my two daughters", "my ambition is to ...", "history fascinates me"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import Opening, Verb, clause_start, opening
from app.analyzers.text.facts_draft import NEGATED, Draft, Said
from app.analyzers.text.facts_inflect import singular
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_mind import one_person
from app.analyzers.text.facts_phrase import (
    Phrase,
    activity,
    fold,
    follows_well,
    infinitive,
    noun,
    run,
    text_of,
    thing,
    things,
)
from app.analyzers.text.facts_roles import listed, named, role

_GOALS = frozenset(
    [
        "goal",
        "aim",
        "dream",
        "ambition",
        "plan",
        "intention",
        "purpose",
        "resolution",
        "aspiration",
        "desire",
        "wish",
        "hope",
    ]
)
_RULES = frozenset(["principle", "motto", "rule", "maxim", "philosophy", "policy", "creed"])
_BE_FORMS = {"is": "present", "'s": "present", "are": "present", "was": "past", "were": "past"}
_BACK = frozenset(
    [
        "always",
        "long",
        "still",
        "now",
        "then",
        "of",
        "me",
        "in",
        "life",
        "the",
        "greatest",
        "biggest",
        "main",
        "chief",
        "only",
        "ultimate",
        "first",
    ]
)
_NUMBER_WORDS = frozenset(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "both"])
_CAUSES = {"gave": "past", "gives": "present", "caused": "past", "causes": "present"}
_EFFORTS = frozenset(
    ["scheme", "plan", "habit", "practice", "study", "virtue", "precept", "resolution", "lack", "want", "sense"]
)
_MUCH = ("the most", "most", "much", "great", "a lot of", "no end of", "more")
_SPECIES = frozenset(["dog", "dogs", "cat", "cats", "puppy", "kitten", "parrot", "hens", "bees"])
_ENDED = frozenset(
    [
        "lost",
        "gone",
        "worn",
        "faded",
        "died",
        "overcame",
        "overcome",
        "cured",
        "conquered",
        "outgrew",
        "outgrown",
        "abandoned",
        "forgot",
        "forgotten",
        "blighted",
    ]
)


def told_in(line: Line) -> str:
    """The tense of a sentence that does not say itself when its fact holds: past where only the past is spoken of."""
    words = lexicon()
    forms = [words.forms.get(word, ("", ""))[1] for word in line.words]
    past = any(word in {"was", "were", "had", "did"} for word in line.words) or "past" in forms
    now = any(
        word in {"is", "are", "am", "'m", "'s", "'re", "has", "have", "'ve", "does", "do", "will", "'ll", "can"}
        for word in line.words
    )
    return "past" if past and not now else "present"


def mine(line: Line, index: int) -> Iterator[Draft]:
    """Facts that a "my" opens at this index."""
    if opened := _unconditional(line, index):
        for reader in (
            _kin,
            _pet,
            _favourite,
            _goal,
            _rule,
            _vocation,
            _language,
            _fear_of,
            _trouble,
            _quality,
            _pleasure,
        ):
            found = [*reader(line, index, opened)]
            if found:
                yield from found
                return


def _unconditional(line: Line, index: int) -> Opening | None:
    """Whether nothing before makes the phrase hypothetical or another's words; where it stands in the clause does not matter."""
    words = lexicon()
    begin = clause_start(line, index)
    if any(word in words["hypothetical"] for word in line.words[begin:index]):
        return None
    return Opening()


def _said(line: Line, opened: Opening, tense: str, *, negated: bool = False) -> Said:
    return Said(line, opened, Verb(lemma="be", tense=tense, at=0, next=0, negated=negated))


def _kin(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my wife and I", "my two grown daughters", "my late husband"; not "Come, my son, ..."."""
    words = lexicon()
    at = line.skip(index + 1, words["kin_adjectives"] | _NUMBER_WORDS)
    if line.word(at) not in words["close_kin"] or (line.word(at + 1) == "'s" and line.word(at + 2) in words["kin"]):
        return
    between = line.words[index + 1 : at]
    if {"ex", "former"} & set(between) or line.word(at + 1) in {"in", "-"} or _addressed(line, index, at + 1):
        return
    if line.word(index - 1) in {"like", "as", "than", "not", "no", "dear"} or (
        line.word(at)
        in {"brothers", "sisters", "sons", "daughters", "children", "brother", "sister", "son", "daughter"}
        and line.word(at + 1) in {"in", "and"}
        and line.word(at + 2) not in {"i", "my", "law", "his", "her", "the"}
        and line.word(at + 1) == "in"
    ):
        return
    # "My two youngest kids" are not all of them.
    numbered = _NUMBER_WORDS - {"both"} if not {"eldest", "oldest", "youngest"} & set(between) else frozenset()
    kept = [word for word in between if word in numbered or word in {"older", "younger", "elder", "twin", "late"}]
    slot = " ".join([*kept, line.word(at)])
    late = "late" in between
    draft = _said(line, opened, "past" if late else told_in(line)).draft(
        "family", "has", Phrase(slot, singular(line.word(at)), index + 1, at + 1)
    )
    yield replace(draft, plain=0.75 if kept else 0.66)


def _addressed(line: Line, index: int, after: int) -> bool:
    """Whether the phrase calls somebody: "well, my son, ..."."""
    before, behind = line.word(index - 1), line.word(after)
    opens = index == 0 or before in {",", "\x00", "—", ";", ":", "o", "oh", "yes", "no", "dear"}
    named_next = line.capital(after + 1) and line.word(after + 1) != "i"
    return before in {"o", "oh"} or (opens and behind in {",", "!", "", ".", "?", ";", ":"} and not named_next)


def _pet(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    at = line.skip(index + 1, {"little", "old", "new", "dear", "own", "poor", "beloved", "two", "three", "big"})
    species = line.word(at)
    if (
        species in _SPECIES
        and not _addressed(line, index, at + 1)
        and line.word(at + 1) not in {"food", "house", "ate"}
        and line.word(index - 1) not in {"like", "as"}
    ):
        if (
            follows_well(line, at + 1)
            or line.capital(at + 1)
            or line.word(at + 1) in {"is", "was", "has", "'s", "who", "loves", "likes"}
        ) and singular(species) != "bee":
            article = "" if species.endswith("s") or species == "chickens" else "a "
            draft = _said(line, opened, told_in(line)).draft(
                "pet", "has", Phrase(article + species, singular(species), at, at + 1)
            )
            yield replace(draft, plain=0.68)


def _favourite(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my favourite author is Borges", "jazz is my favourite music", "my hobbies are knitting and chess"."""
    if line.word(index + 1) in {"hobby", "hobbies", "passion", "passions", "interests"} or (
        line.word(index + 1) in {"main", "favourite", "favorite", "biggest", "greatest", "other"}
        and line.word(index + 2) in {"hobby", "hobbies", "passion", "pastime"}
    ):
        at = (
            index + 2
            if line.word(index + 1) not in {"main", "favourite", "favorite", "biggest", "greatest", "other"}
            else index + 3
        )
        if line.word(at) in {"is", "are", "include", ":", "'s"}:
            for phrase in things(line, at + 1):
                if not one_person(phrase):
                    yield _said(line, opened, "present").draft(
                        "like", "passionate about" if "passion" in line.word(at - 1) else "hobby", phrase
                    )
        return
    if line.word(index + 1) not in {"favourite", "favorite", "favourites", "favorites"}:
        return
    after = run(line, index + 2, 3)
    if after <= index + 1:
        return
    topic = line.words[index + 2 : after]
    if not topic or (topic[-1] in lexicon()["vague"] and topic[-1] not in {"people"}):
        return
    tense = _BE_FORMS.get(line.word(after), "")
    if tense:
        start = after + 1
        start = line.skip(start, {"still", "always", "probably", "definitely", "perhaps"})
        found = named(line, start) if line.capital(start) else noun(line, start) or activity(line, start)
        if (
            found
            and len(topic) + len(found.slot.split()) <= 5
            and found.slot.split()[-1] not in lexicon()["vague"]
            and not _hedged_list(line, found.next)
        ):
            shown = Phrase(
                f"{' '.join(topic)}: {found.slot}",
                f"{singular(topic[-1])} {found.lemma}",
                found.first,
                found.next,
                proper=found.proper,
            )
            yield _said(line, opened, tense).draft("like", "favourite", shown)


def _hedged_list(line: Line, at: int) -> bool:
    return line.word(at) in {"but", "when", "that", "who"} or line.word(at) == "'s"


def _goal(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my dream is to open a bakery", "it has long been my ambition to go to Radcliffe"."""
    words = lexicon()
    at = line.skip(index + 1, _BACK | {"great", "big", "lifelong", "own", "personal", "career"})
    if line.word(at) not in _GOALS:
        return
    verb = line.skip(at + 1, words["adverbs"] | {"for", "life", "has", "been", "had"})
    tense = _BE_FORMS.get(line.word(verb), "")
    lasting = bool({"always", "long", "life", "lifelong"} & set(line.words[max(0, index - 4) : verb + 1]))
    if (
        line.word(at) in {"plan", "aim", "purpose", "intention", "desire", "wish", "hope", "resolution"}
        and not lasting
        and tense != "present"
    ):
        return
    negated = line.word(verb + 1) in words["negations"]
    if tense and line.word(verb + 1) == "to" and not negated:
        start = verb + 1
    elif line.word(at + 1) == "to" and line.word(index - 1) in {"been", "was", "is", "always", "long"}:
        start, tense = at + 1, "past" if line.word(index - 1) == "was" else "present"
    elif (
        line.word(at + 1) == "of"
        and line.word(at) in {"dream", "ambition"}
        and line.word(index - 1) not in {"in", "of", "about", "for"}
    ):
        start, tense = at + 2, "present"
    elif {"has", "been"} <= set(line.words[at + 1 : verb]) and line.word(verb) == "to":
        start, tense = verb, "present"
    else:
        return
    yield from _aim(line, start, _said(line, opened, tense))


def _aim(line: Line, start: int, said: Said) -> Iterator[Draft]:
    if line.word(start) == "to":
        at = line.skip(start + 1, lexicon()["adverbs"])
        if line.word(at) in {"be", "become"}:
            found = role(line, at + 1, "occupations", "roles", "self_nouns", anyone=True)
            if found and not found.graded:
                yield said.draft("goal", "wants to be", found.phrase)
            return
        goal = infinitive(line, start)
        if goal:
            yield said.draft("goal", "wants to", replace(goal, slot=" ".join([line.word(at), *goal.slot.split()[1:]])))
        return
    goal = activity(line, start)
    if goal and goal.slot.split()[0] not in {"being", "having"}:
        yield said.draft("goal", "dreams of", goal)


def _rule(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my motto is to keep it simple", "it is my rule never to borrow"."""
    at = line.skip(index + 1, _BACK | {"general", "own", "personal", "guiding"})
    if line.word(at) not in _RULES:
        return
    start = (
        at + 2
        if line.word(at + 1) in _BE_FORMS
        else at + 1
        if line.word(index - 1) in {"is", "been", "was", "it", "always"}
        else -1
    )
    never = line.word(start) == "never"
    goal = infinitive(line, start + 1 if never else start) if start > 0 else None
    if goal:
        base = line.word(line.skip(goal.first, {"to"}))
        draft = _said(line, opened, _BE_FORMS.get(line.word(at + 1), "present")).draft(
            "value",
            "never" if never else "makes it a rule to",
            replace(goal, slot=" ".join([base, *goal.slot.split()[1:]])),
        )
        yield draft


def _vocation(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my job as a librarian", "my career as a pilot", "my home town is Leeds"."""
    if (
        line.word(index + 1) in {"job", "work", "role", "position", "trade", "profession"}
        and line.word(index + 2) == "as"
    ):
        found = role(line, index + 3, "occupations", "roles", anyone=True, bare=True)
        if found:
            yield _said(line, opened, "perfect").draft("occupation", "works as", found.phrase)
    home = (
        index + 2
        if line.word(index + 1) in {"hometown", "birthplace"}
        else index + 3
        if line.matches(index + 1, "home town")
        or line.matches(index + 1, "native town")
        or line.matches(index + 1, "native city")
        or line.matches(index + 1, "native land")
        else -1
    )
    if home > 0:
        start = home + 1 if line.word(home) in {"of", "is", ",", "in", "was"} else home
        found_place = named(line, start)
        if found_place:
            yield _said(line, opened, "present").draft("origin", "from", found_place)


def _language(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    for lead in ("first language", "native language", "mother tongue", "native tongue", "second language"):
        after = index + 1 + len(lead.split())
        if (
            line.matches(index + 1, lead)
            and line.word(after) in {"is", ",", "was"}
            and (found := listed(line, after + 1, "languages", "signed"))
        ):
            yield _said(line, opened, "present").draft("skill", "speaks", found)


def _fear_of(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my fear of heights", "my love of maps", "my passion for trains"."""
    at = line.skip(index + 1, {"greatest", "biggest", "worst", "own", "old", "lifelong", "great", "deep", "natural"})
    feeling, preposition = line.word(at), line.word(at + 1)
    kinds = {
        "fear": ("fear", "afraid of"),
        "phobia": ("fear", "afraid of"),
        "love": ("like", "love"),
        "passion": ("like", "passionate about"),
        "fondness": ("like", "fond of"),
        "hatred": ("like", "hate"),
        "dislike": ("like", "dislike"),
        "interest": ("like", "interested in"),
    }
    if (
        feeling not in kinds
        or preposition not in {"of", "for", "is", "in"}
        or (preposition == "is" and feeling not in {"fear", "phobia", "passion"})
        or (preposition == "in" and feeling != "interest")
    ):
        return
    phrase = thing(line, at + 2)
    if phrase and not one_person(phrase) and not _ENDED & set(line.words):
        kind, predicate = kinds[feeling]
        draft = _said(line, opened, told_in(line)).draft(kind, predicate, phrase)
        yield replace(draft, polarity=NEGATED if feeling in {"hatred", "dislike"} else draft.polarity, plain=0.72)


def _trouble(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "My scheme of Order gave me the most trouble"."""
    verb = next((at for at in range(index + 2, min(index + 8, len(line))) if line.word(at) in _CAUSES), -1)
    start = verb + 2 if line.word(verb + 1) == "me" else verb + 1
    much = next((lead for lead in _MUCH if line.matches(start, f"{lead} trouble")), "")
    if verb < 0 or line.word(start - 1) != "me" or not much:
        return
    first = index + 3
    if line.word(index + 1) in _EFFORTS and line.word(index + 2) == "of" and run(line, first, 5) >= verb > first:
        shown = line.words[first:verb]
        yield _said(line, opened, _CAUSES[line.word(verb)]).draft(
            "self", "has trouble with", Phrase(" ".join(shown), fold(shown), first, verb)
        )


def _quality(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my vanity", "my natural shyness": a quality one says to have; rules ask for it more than once."""
    at = line.skip(
        index + 1, {"own", "natural", "usual", "innate", "great", "extreme", "native", "constitutional", "habitual"}
    )
    noun_word = line.word(at)
    if noun_word in lexicon()["own_qualities"] and line.word(index - 1) not in {"not", "no"}:
        draft = _said(line, opened, told_in(line)).draft(
            "self", "speaks of own", Phrase(noun_word, noun_word, at, at + 1)
        )
        yield replace(draft, plain=0.7)
        if line.word(at + 1) == "and" and line.word(at + 2) in lexicon()["own_qualities"]:
            second = Phrase(line.word(at + 2), line.word(at + 2), at + 2, at + 3)
            yield replace(_said(line, opened, told_in(line)).draft("self", "speaks of own", second), plain=0.7)


def _pleasure(line: Line, index: int, opened: Opening) -> Iterator[Draft]:
    """ "my chief amusement was reading"."""
    at = line.skip(index + 1, {"only", "chief", "greatest", "main", "principal", "biggest"})
    if at == index + 1 or line.word(at) not in {
        "amusement",
        "pleasure",
        "delight",
        "recreation",
        "pastime",
        "diversion",
        "joy",
    }:
        return
    tense = _BE_FORMS.get(line.word(at + 1), "")
    for phrase in things(line, at + 2) if tense else ():
        if not one_person(phrase):
            yield _said(line, opened, tense).draft("like", "enjoy", phrase)


def moved(line: Line, index: int) -> Iterator[Draft]:
    """Facts around a "me" at this index: "history has always fascinated me", "what matters most to me is"."""
    words = lexicon()
    at = index - 1
    form = words.forms.get(line.word(at), ("", ""))
    if form[0] in words["pleases"] | words["displeases"] | words["frightens"]:
        yield from _pleased(line, index, at, form[0])
    elif line.word(at) == "to" and line.word(at - 1) in {"important", "most", "lot", "everything", "deal"}:
        yield from _matters(line, index)


def _pleased(line: Line, index: int, at: int, lemma: str) -> Iterator[Draft]:
    words = lexicon()
    end = at
    negated = False
    past = line.word(at).endswith("ed") and line.word(at - 1) not in {"has", "have", "always", "'ve"}
    while end > 0 and (
        line.word(end - 1) in words["adverbs"]
        or line.word(end - 1) in {"has", "have", "had", "do", "does", "not", "n't", "never"}
    ):
        negated = negated or line.word(end - 1) in words["negations"]
        end -= 1
    begin = end
    while (
        begin > 0
        and line.is_word(begin - 1)
        and line.word(begin - 1) not in {"and", "but", "because", "that", "since", "for", "as", "so"} | words["fillers"]
    ):
        begin -= 1
    found = noun(line, begin, strict=False) or activity(line, begin)
    if (
        found is None
        or negated
        or (found.next != end and not (line.word(found.next) in words["prepositions"] and end - found.next <= 4))
        or one_person(found)
    ):
        return
    if line.word(begin) in words["articles"] or (
        past and not found.slot.endswith("s") and line.word(at - 1) != "always"
    ):
        return
    opened = opening(line, begin)
    if opened is None:
        return
    said = _said(line, opened, "past" if past else "present")
    if lemma in words["frightens"]:
        yield said.draft("fear", "afraid of", found)
    elif lemma in words["pleases"]:
        yield said.draft("like", "fascinated by", _with_place(line, found, end))
    else:
        yield replace(said.draft("like", "dislike", found), polarity=NEGATED)


def _with_place(line: Line, found: Phrase, end: int) -> Phrase:
    """ "founders on Indie Hackers": the subject with the name that narrows it."""
    if found.next == end or not line.capital(found.next + 1) or end - found.first > 5:
        return found
    return replace(
        found, slot=text_of(line.words[found.first : end]), lemma=fold(line.words[found.first : end]), next=end
    )


def _matters(line: Line, index: int) -> Iterator[Draft]:
    """ "Honesty is important to me", "what matters most to me is honesty"."""
    opened = Opening()
    if line.word(index - 2) == "most" and line.word(index + 1) == "is":
        for phrase in things(line, index + 2):
            if not one_person(phrase):
                yield _said(line, opened, "present").draft("value", "values", phrase)
        return
    verb = index - 3
    while verb > 0 and line.word(verb) not in {"is", "are", "means", "mean"}:
        verb -= 1
        if index - verb > 6:
            return
    begin = clause_start(line, verb)
    begin = line.skip(begin, lexicon()["openers"])
    found = noun(line, begin, strict=False) or activity(line, begin)
    negated = bool({"not", "n't", "never"} & set(line.words[verb:index]))
    weighty = found is not None and (found.gerund or found.lemma.split()[-1] in lexicon()["abstract_values"])
    if found and weighty and found.next == verb and not negated and not one_person(found) and opening(line, begin):
        shown = replace(found, slot=f"their {found.slot}") if line.word(begin) == "my" else found
        yield _said(line, opened, "present").draft("value", "values", shown)
