"""The table of habits: what each is called, what shows it, and how much it says about a person.

Adding a habit is a list in `app/analyzers/text/lists/english.toml`, norm figures (`scripts/norms.py`) and one row here.
Left out on purpose: grammar that nobody knows of themselves (articles, prepositions, tenses), what is a topic rather
than a habit (family, money, home, words of bad feeling), the rate of "I", which does not show what people think it
shows (Carey et al. 2015, doi 10.1037/pspp0000029), and swearing, whose norm figures are too low because the corpora
were cleaned of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.vocabulary import TraitCategory

_LINGUISTIC = TraitCategory.LINGUISTIC_STYLE
_COMMUNICATION = TraitCategory.COMMUNICATION_STYLE
_EMOTIONAL = TraitCategory.EMOTIONAL_RESPONSE_PATTERN


@dataclass(frozen=True, slots=True)
class Habit:
    """A rule.

    Attributes:
        key: of the counted habit.
        name: what the person would say about themselves.
        counted: what is counted, as the description says it.
        category: `traitCategory`.
        specificity: 0 to 1, how much it says about this person rather than about anybody.
        family: habits that say much the same; one of a family is proposed.
        low: it is the small rate that stands out.
        shown_by: key whose instances are the evidence; its own where empty.
        against: key whose instances are counter-evidence.
        era: it depends on the era of writing.
        sign: it is a matter of punctuation or spelling.
        modern: it says nothing about early prose, where it is the rule or the editor's.
        unaddressed: it says nothing about letters, which are written to somebody.
    """

    key: str
    name: str
    counted: str
    category: TraitCategory = _LINGUISTIC
    specificity: float = 0.5
    family: str = ""
    low: bool = False
    shown_by: str = ""
    against: str = ""
    era: bool = False
    sign: bool = False
    modern: bool = False
    unaddressed: bool = False


HABITS: tuple[Habit, ...] = (
    Habit("questions", "Asks a lot of questions", "questions", _COMMUNICATION, 0.7, "asking"),
    Habit(
        "exclamations", "Uses many exclamation marks", "exclamations", _EMOTIONAL, 0.5, "warmth", era=True, sign=True
    ),
    Habit("emoji", "Uses emoji and smileys", "emoji or smileys", _EMOTIONAL, 0.5, "smiles", era=True, sign=True),
    Habit("humour", "Laughs in writing: haha, lol", "laughs such as haha or lol", _EMOTIONAL, 0.6, "smiles", era=True),
    Habit(
        "ellipses",
        "Lets sentences trail off ...",
        "runs of dots",
        specificity=0.5,
        family="pauses",
        era=True,
        sign=True,
        modern=True,
    ),
    Habit("dashes", "Breaks sentences with dashes", "dashes", specificity=0.4, family="pauses", era=True, sign=True),
    Habit("parentheses", "Adds asides in brackets", "bracketed asides", specificity=0.6, era=True, sign=True),
    Habit("semicolons", "Joins thoughts with semicolons", "semicolons", specificity=0.4, era=True, sign=True),
    Habit(
        "sentence_length",
        "Writes long, winding sentences",
        "",
        specificity=0.5,
        family="size",
        against="lowInstances",
        era=True,
        sign=True,
    ),
    Habit(
        "sentence_length",
        "Writes short sentences",
        "",
        specificity=0.5,
        family="size",
        low=True,
        shown_by="lowInstances",
        against="instances",
        era=True,
        sign=True,
    ),
    Habit("message_length", "Sends long messages", "", _COMMUNICATION, 0.5, "size"),
    Habit("message_length", "Sends short messages", "", _COMMUNICATION, 0.5, "size", low=True, shown_by="lowInstances"),
    Habit(
        "long_words", "Likes long words", "words of seven letters or more", specificity=0.35, family="words", era=True
    ),
    Habit("numbers", "Gives exact figures", "figures in digits", _COMMUNICATION, 0.5, era=True, sign=True),
    Habit(
        "loose_starts",
        "Starts sentences with and, but, so",
        "sentences that begin with and, but, so or because",
        sign=True,
    ),
    Habit(
        "contractions",
        "Contracts words: don't, it's",
        "contracted forms",
        specificity=0.35,
        family="contracting",
        era=True,
        sign=True,
    ),
    Habit(
        "contractions",
        "Writes words out: do not",
        "contracted forms",
        specificity=0.45,
        family="contracting",
        low=True,
        shown_by="full_forms",
        against="contractions",
        era=True,
        sign=True,
        modern=True,
    ),
    Habit(
        "requests_direct",
        "Tells readers directly what to do",
        "direct requests",
        _COMMUNICATION,
        0.5,
        "asking",
        sign=True,
    ),
    Habit("requests_polite", "Asks politely: could you, would you", "polite requests", _COMMUNICATION, 0.6, "polite"),
    Habit("please", "Says please a lot", "words of asking such as please", _COMMUNICATION, 0.6, "polite"),
    Habit("thanks", "Thanks people often", "words of thanks", _COMMUNICATION, 0.7),
    Habit("apologies", "Says sorry often", "words such as sorry", _COMMUNICATION, 0.6),
    Habit("hedges", "Hedges: perhaps, I think, probably", "hedges", _COMMUNICATION, 0.6, "stance"),
    Habit("opinions", "Marks opinions as own: I think", "phrases such as I think", _COMMUNICATION, 0.5, "stance"),
    Habit(
        "certainty",
        "Stresses certainty: indeed, of course",
        "words of certainty",
        _COMMUNICATION,
        0.6,
    ),
    Habit("absolutes", "Speaks in always and never", "words such as always and never", specificity=0.6),
    Habit("intensifiers", "Stresses things: very, really", "words of stress such as very", specificity=0.5, era=True),
    Habit("similes", "Likes comparisons: like a, as if", "comparisons", specificity=0.7),
    Habit("causal", "Gives reasons: because, therefore", "words that give a reason", _COMMUNICATION, 0.6),
    Habit("contrast", "Sets one thing against another", "words of contrast such as but", _COMMUNICATION, 0.5),
    Habit("conditionals", "Thinks in ifs", "conditions such as if", _COMMUNICATION, 0.6),
    Habit("examples", "Explains with examples", "words that bring an example", _COMMUNICATION, 0.6),
    Habit("sequence", "Tells things in order: first, then", "words of order such as and then", _COMMUNICATION, 0.5),
    Habit("duty", "Speaks of what should be done", "words of duty such as must", _COMMUNICATION, 0.6),
    Habit("wishes", "Voices hopes and wishes", "phrases such as I hope", _EMOTIONAL, 0.6),
    Habit("remembering", "Looks back: I remember", "phrases such as I remember", _COMMUNICATION, 0.6),
    Habit("affection", "Shows affection in words", "words of affection", _EMOTIONAL, 0.75, "warmth"),
    Habit("positive_feeling", "Uses words of joy and warmth", "words of good feeling", _EMOTIONAL, 0.5, "warmth"),
    Habit("senses", "Describes colours, light and sounds", "words for light, colour, sound or touch", specificity=0.7),
    Habit("fillers", "Uses fillers: you know, basically", "fillers such as you know", _COMMUNICATION, 0.5),
    Habit("first_plural", "Says we more than others do", "forms of we", _COMMUNICATION, 0.5),
    Habit(
        "second_person",
        "Speaks to the reader directly",
        "forms of you",
        _COMMUNICATION,
        0.6,
        "asking",
        unaddressed=True,
    ),
)
