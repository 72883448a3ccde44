"""Which readers ask what of which verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from app.analyzers.text import facts_life as life
from app.analyzers.text import facts_mind as mind
from app.analyzers.text.facts_being import being
from app.analyzers.text.facts_draft import Draft, Said

Reader = Callable[[Said], Iterator[Draft]]

_READERS: tuple[tuple[str, tuple[Reader, ...]], ...] = (
    ("be", (being,)),
    ("work", (life.work,)),
    ("employ train apprentice appoint elect choose educate", (life.employed,)),
    ("become", (life.become,)),
    ("teach", (life.teach,)),
    ("study major graduate", (life.study,)),
    ("learn", (life.learn,)),
    ("live reside move emigrate settle come", (life.live,)),
    ("raise breed bring", (life.live, life.employed)),
    ("grow", (life.live, mind.make)),
    ("bear", (life.live, mind.stand)),
    ("stand abide", (mind.stand,)),
    ("have get", (life.have, mind.quality)),
    ("own keep run found cofound co-found start open establish set", (life.own,)),
    ("play", (life.play,)),
    ("speak understand read know", (life.speak, life.can)),
    ("write", (life.speak, mind.make)),
    ("collect brew", (mind.make,)),
    ("paint bake", (life.can, mind.make)),
    (
        "swim ski knit sew crochet juggle cook sing dance drive draw whistle type cycle skate weave lip-read",
        (life.can,),
    ),
    ("eat drink smoke give quit stop", (life.consume,)),
    ("suffer diagnose", (life.suffer,)),
    ("love adore relish like enjoy prefer hate detest loathe despise abhor dislike", (mind.like,)),
    ("believe", (mind.believe,)),
    ("value treasure cherish prize care pride take", (mind.value,)),
    ("want hope dream aspire intend plan aim long", (mind.want,)),
    ("conceive form undertake", (mind.conceive,)),
    ("fear dread", (mind.fear,)),
    ("consider call describe", (mind.consider,)),
    ("feel", (mind.feel,)),
)


@cache
def frames() -> dict[str, tuple[Reader, ...]]:
    """Verb to its readers."""
    return {verb: readers for verbs, readers in _READERS for verb in verbs.split()}
