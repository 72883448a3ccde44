"""What is a stated fact and what is not: tables of sentences, invented for this test."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis import Context
from app.analyzers.text.facts import analyse
from app.layers import Segment, TextLayer
from app.vocabulary import SegmentKind


def facts(text: str, kind: SegmentKind = SegmentKind.PARAGRAPH) -> list[dict[str, Any]]:
    layer = TextLayer(text, language="en", segments=(Segment(0, len(text), kind),))
    found: list[dict[str, Any]] = analyse(layer, Context()).features["facts"]
    return found


STATED = [
    # occupation and employer
    ("I am a nurse.", "occupation", "nurse"),
    ("I'm a full-time data engineer at Harbour Labs.", "occupation", "full-time data engineer"),
    ("I work as a carpenter.", "occupation", "carpenter"),
    ("For the past six years, I've worked as a violin maker in Cremona.", "occupation", "violin maker"),
    ("im a electrician", "occupation", "electrician"),
    ("I used to be a lighthouse keeper.", "occupation", "lighthouse keeper"),
    ("When I was a midwife, nights were long.", "occupation", "midwife"),
    ("I was apprenticed as a cooper.", "occupation", "cooper"),
    ("I teach physics at a small school.", "occupation", "physics"),
    ("I run a small bakery.", "occupation", "a small bakery"),
    ("I am the founder of Saltmarsh Radio.", "occupation", "founder of saltmarsh radio"),
    ("I work at the University of Leeds.", "employer", "the university of leeds"),
    ("I used to work for Siemens.", "employer", "siemens"),
    # studies
    ("I am studying German and Greek.", "studies", "german"),
    ("I have a degree in botany.", "studies", "botany"),
    ("I graduated from Trinity College.", "studies", "trinity college"),
    ("I'm a law student.", "studies", "law student"),
    # places
    ("I live in Bath.", "residence", "bath"),
    ("My wife and I live in a small village.", "residence", "a small village"),
    ("i live in berlin now", "residence", "berlin"),
    ("I grew up on a farm.", "origin", "a farm"),
    ("I was born in Kerala.", "origin", "kerala"),
    ("I come from Uruguay.", "origin", "uruguay"),
    # family and animals
    ("I have two grown daughters.", "family", "two grown daughters"),
    ("I have no children.", "family", "children"),
    ("I'm a mother of three.", "family", "mother of three"),
    ("My two sons live abroad.", "family", "two sons"),
    ("I am the youngest of five children.", "family", "youngest of five children"),
    ("I have a dog.", "pet", "a dog"),
    ("I keep bees.", "pet", "bees"),
    # likes and dislikes
    ("I love jazz.", "like", "jazz"),
    ("From a child I was fond of reading.", "like", "reading"),
    ("I really enjoy working with nonprofits.", "like", "working with nonprofits"),
    ("I like to read.", "like", "reading"),
    ("I love the sea.", "like", "the sea"),
    ("I'm a big fan of board games.", "like", "board games"),
    ("I have a passion for old maps.", "like", "old maps"),
    ("History has always fascinated me.", "like", "history"),
    ("My favourite author is Clarice Lispector.", "like", "author: clarice lispector"),
    ("That's why I love trains.", "like", "trains"),
    ("I hate small talk.", "like", "small talk"),
    ("I can't stand loud music.", "like", "loud music"),
    ("I don't like crowds.", "like", "crowds"),
    ("I have never liked cheese.", "like", "cheese"),
    # habits
    ("Every morning I walk to work.", "habit", "walks to work every morning"),
    ("I always carry matches.", "habit", "carries matches"),
    ("I never read horoscopes.", "habit", "reads horoscopes"),
    (
        "At the end of each week, I spend 20 minutes writing down what went well.",
        "habit",
        "spends time writing every week",
    ),
    ("I tend to overthink.", "habit", "overthink"),
    ("I write poetry.", "habit", "writes poetry"),
    # skills
    ("I play the cello.", "skill", "the cello"),
    ("I speak Welsh.", "skill", "welsh"),
    ("I learned to swim when I was nine.", "skill", "to swim"),
    ("I taught myself Spanish.", "skill", "spanish"),
    ("I can't cook.", "skill", "cook"),
    ("I'm terrible at chess.", "skill", "chess"),
    ("I am a good sailor.", "skill", "good sailor"),
    # beliefs and values
    ("I believe in second chances.", "belief", "second chances"),
    ("I have always valued independence.", "value", "independence"),
    ("As someone who has always valued solitude, I chose the night train.", "value", "solitude"),
    ("What matters most to me is honesty.", "value", "honesty"),
    ("I care deeply about privacy.", "value", "privacy"),
    # goals
    ("It has long been my ambition to go to Uppsala.", "goal", "go to uppsala"),
    ("I want to become a pilot.", "goal", "pilot"),
    ("I have always wanted to visit Iceland.", "goal", "visit iceland"),
    ("My dream is to open a bookshop.", "goal", "open a bookshop"),
    ("I'm learning Rust.", "goal", "rust"),
    ("I conceived the bold project of walking to Rome.", "goal", "walk to rome"),
    # self-descriptions and identity
    ("I am shy.", "self", "shy"),
    ("I have always been stubborn.", "self", "stubborn"),
    ("I'm not patient.", "self", "patient"),
    ("I was a clumsy child.", "self", "clumsy"),
    ("My scheme of punctuality gave me the most trouble.", "self", "punctuality"),
    ("I'm an introvert.", "identity", "introvert"),
    ("I soon became a thorough Deist.", "identity", "thorough deist"),
    ("I was raised as a Catholic.", "identity", "catholic"),
    # fears, health, diet, possessions
    ("I'm afraid of heights.", "fear", "heights"),
    ("Thunderstorms have always frightened me.", "fear", "thunderstorms"),
    ("I have asthma.", "health", "asthma"),
    ("I'm allergic to peanuts.", "health", "peanuts"),
    ("I don't eat meat.", "diet", "meat"),
    ("I never drink coffee.", "diet", "coffee"),
    ("I gave up smoking in 2011.", "diet", "smoking"),
    ("I have a boat.", "possession", "a boat"),
    # said once more, and counted
    ("I love you very much.", "affection", "loved ones"),
    ("That was one of the great mistakes of my life.", "admission", "own mistakes"),
    ("From my grandmother I learned patience.", "gratitude", "others' lessons"),
]

NOTHING = [
    # vague, or pointing elsewhere
    "I like it.",
    "I love this.",
    "I hate that about him.",
    "I like the idea.",
    "I like your design.",
    "I loved the film.",
    "I enjoyed the concert very much.",
    "I love the book you gave me.",
    "I love people who sing.",
    "I hate people from the head office.",
    "I like how it turned out.",
    "I like to think that we agree.",
    "I love Margaret.",
    "I hate Mr. Dawson.",
    # moments
    "I am sure.",
    "I am going home.",
    "I was there.",
    "I am tired.",
    "I am so happy for you.",
    "I was careful to close the door.",
    "I am proud of you.",
    "I am lazy today.",
    "I was late again.",
    "I'm working on a patch.",
    "I've enjoyed talking with you.",
    # wishes, conditions, questions, commands, dreams
    "I would love to sing.",
    "I wish I were a pilot.",
    "If I were a doctor, I would know.",
    "If I lived in Paris, I would walk more.",
    "Suppose I am a spy.",
    "Do I love chess?",
    "Am I a nurse?",
    "I love chess, don't you?",
    "Imagine I play the harp.",
    "I could be a teacher.",
    "I might live in Oslo one day.",
    "In my dream I was a pirate.",
    "I would have liked music.",
    # other people's views and words
    "He says I am a genius.",
    "They told me that I am lazy.",
    "People think I am shy.",
    "My teacher said I was a good dancer.",
    "She thought that I hated cats.",
    "“I love opera,” said the stranger.",
    'She wrote, "I am a vegetarian and I live in Bath."',
    "He claims I speak Danish.",
    # not about the writer
    "Her brother works as a baker.",
    "She loves jazz.",
    "You are a nurse.",
    "The man I love plays the drums.",
    "The house where I live is old.",
    "We have two servers.",
    # negated so that nothing is said
    "I am not a doctor.",
    "I don't hate it.",
    "I don't always like surprises.",
    "I don't necessarily enjoy parties.",
    "I don't love running.",
    # irony and figures of speech
    "I am an idiot.",
    "I am practically a doctor by now.",
    "Apparently I am a plumber now.",
    "I'm a nurse, just kidding.",
    "I live in hope.",
    "I live in Denial.",
    "I am blind to her faults.",
    "I work for free.",
    "I come from work.",
    "I was born in May.",
    "I play it by ear.",
    "I speak from experience.",
    "I can't wait.",
    "I might say I love heaven.",
    "I prefer schools to leave the pupils alone.",
    "I have two questions.",
    "My future wife will cook.",
    "I live in fear of Mondays.",
    "I'm a machine.",
    "I never drink coffee after dinner.",
    "I never light a lamp until it is dark.",
    "I'm an aspiring astronaut, hopelessly.",
    "I'm afraid that we are late.",
    "I fear we are lost.",
    "I believe in you.",
    "I hate to say it.",
    "I have to work.",
    "Come here, my son, and sit down.",
    "It is the first film I love.",
]


@pytest.mark.parametrize(("sentence", "kind", "slot"), STATED, ids=[row[0] for row in STATED])
def test_a_plain_statement_is_a_fact(sentence: str, kind: str, slot: str) -> None:
    assert (kind, slot) in [(fact["kind"], fact["slot"]) for fact in facts(sentence)]


@pytest.mark.parametrize("sentence", NOTHING)
def test_what_is_not_plainly_said_is_no_fact(sentence: str) -> None:
    assert facts(sentence) == []
