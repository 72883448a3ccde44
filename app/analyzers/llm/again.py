"""Asked twice: a sample of what was found is asked about once more, in other words, and kept if it is found again.

One further question a window: the same document, system and schema, so that the vendor reads them from its cache, and
the claims as statements of ours. The sample is drawn by the claims' own hash: the same answers always give the same
second question, which is what lets a run be repeated bit for bit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from app.analyzers.llm.answers import Found
from app.analyzers.llm.findings import Kept, Prover
from app.analyzers.llm.prompts import AGAIN, shipped, text
from app.asking import Request

#: Claims of one further question. Prompts ask for 25 findings at most; of what goes beyond, no more is asked about.
MOST_CLAIMS = 40
#: "1", "1.", "#1", "claim 1": as models write a number.
_NUMBER = re.compile(r"(?:claim ?)?#?([0-9]{1,4})\.?", re.IGNORECASE)


def sample(kept: Iterable[Kept], share: float) -> list[Kept]:
    """A share of the claims, the same ones whenever they are found.

    Args:
        kept: what was found in one window, a claim once.
        share: of them, 0 to 1.

    Returns:
        `MOST_CLAIMS` at most, in the order in which they are asked about.
    """
    drawn = sorted(((_place(one), one.key, one) for one in kept), key=lambda found: found[:2])
    return [one for place, _, one in drawn if place < share][:MOST_CLAIMS]


def _place(one: Kept) -> float:
    """Where the hash of a claim falls between 0 and 1."""
    digest = sha256(json.dumps(one.key).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def question(request: Request, claims: Sequence[Kept]) -> Request:
    """The further question about a window.

    Names and terms of claims hold no placeholder and no passage (`findings.Prover`): what stands here of the person is
    what the vendor itself said about them.

    Args:
        request: that the claims were the answer to.
        claims: that are asked about.
    """
    lines = (f"{number}. {_claim(one)}" for number, one in enumerate(claims, 1))
    return replace(
        request,
        prompt=AGAIN,
        prompt_digest=shipped(AGAIN).digest,
        instruction="\n".join([text(AGAIN), *lines]),
    )


def _claim(one: Kept) -> str:
    said = {"kind": one.kind, "name": one.name, "object": one.object, "affirmed": one.affirmed}
    return json.dumps(said, ensure_ascii=False)


def stable(claims: Sequence[Kept], answer: Iterable[Found], prover: Prover) -> list[Kept]:
    """The claims that hold when they are asked about again, with what speaks for and against them in both answers.

    A claim holds if a quotation for it is proven anew, be it of the same sentence; if no finding about it says the
    opposite; and if no more sentences against it are proven than for it. A sentence that is once quoted for and once
    against a claim is no evidence of it.

    Args:
        claims: as they were asked about.
        answer: findings whose `kind` is the number of a claim; others are counted as unusable.
        prover: of the same window.
    """
    said: dict[int, list[Found]] = {}
    for found in answer:
        number = _NUMBER.fullmatch(found.kind.strip())
        said.setdefault(int(number.group(1)) if number else 0, []).append(found)
    again = {number: [*prover.kept(_about(claims, number, found))] for number, found in said.items()}
    return [
        claim
        for number, claim in enumerate(claims, 1)
        if all(found.affirmed == claim.affirmed for found in said.get(number, ()))
        and _confirmed(claim, again.get(number, []))
    ]


def _about(claims: Sequence[Kept], number: int, answers: Iterable[Found]) -> Iterable[Found]:
    if not 0 < number <= len(claims):
        # What is answered to no claim of ours is of no kind, and so not usable.
        return (found.model_copy(update={"kind": ""}) for found in answers)
    claim = claims[number - 1]
    ours = {"kind": claim.kind, "name": claim.name, "object": claim.object}
    return (found.model_copy(update=ours) for found in answers)


def _confirmed(claim: Kept, again: Sequence[Kept]) -> bool:
    """Whether the second answer proves the claim; what it found is joined to it."""
    evidence = {start for one in again for start in one.evidence}
    counter = {start for one in again for start in one.counter}
    if not evidence or len(counter) > len(evidence):
        return False
    for one in again:
        claim.join(one)
    claim.evidence = {start: span for start, span in claim.evidence.items() if start not in claim.counter}
    return bool(claim.evidence)
