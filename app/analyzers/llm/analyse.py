"""The analyzers of the `llm` queue: one function, one table of tasks (`prompts.TASKS`).

A layer is cut into windows; of each, the task's question is asked through `Context.ask`; what comes back is proven, a
sample of it is asked about once more where that is wanted (`again`), and what several windows found is joined. Nothing
here opens a socket or knows a vendor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.analysis import Context, Result
from app.analyzers.llm import again
from app.analyzers.llm.answers import Findings, read, schema
from app.analyzers.llm.findings import Kept, Prover
from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.analyzers.llm.prompts import AGAIN, SYSTEM, TASKS, chosen, text
from app.analyzers.llm.windows import SIZE, Window, windows
from app.asking import Answer, Ask, Foresee, Request, Usage
from app.errors import Reason, Refusal
from app.layers import TextLayer
from app.prose import Prose, prose_of
from app.vocabulary import FeatureStatus, ReasonCode

#: Own words below which a model would say something all the same.
LEAST_WORDS = 100
#: What is said of an answer that is not even the vendor's protocol.
UNREADABLE = "the answer cannot be read"
#: Windows whose further questions are asked together: the vendor's cache, which keeps a document for five minutes, must
#: still hold the first of them. In a bulk run it is all, since each group would wait for one batch more.
TOGETHER = 8
#: What a finding is known by: `Kept.key`.
Key = tuple[str, str, bool]
#: Options that shape what is asked: their names in features, and what holds where nothing is said.
_OPTIONS: dict[str, tuple[str, Any]] = {
    "window": ("window", SIZE),
    "effort": ("effort", ""),
    "ask_twice": ("askTwice", 0.0),
}
NO_VENDOR = "no language model is set up: set ECHO_ANTHROPIC_API_KEY and analyse again"


def analyse(layer: TextLayer, context: Context) -> Result:
    """Ask a language model about a text.

    Args:
        layer: any text layer; own segments are sent as the person's words, headings and others' words as context.
        context: `ask`, and of the options `task` (a key of `prompts.TASKS`), `window` (code points), `effort`,
            `ask_twice` (share of what is found that is asked about once more) and `prompt`, `prompt_text`
            (`prompts.chosen`).

    Returns:
        Features `{task, prompt, promptDigest, options, model, language, ownWords, firstPersonRate, windows, findings,
        quotes, fabricated, askedTwice, unstable, perWindow, repaired, usage}`. Each of `findings` is `{kind, name,
        object, affirmed, sensitive, places, evidence, counter, relations}`: `name` is a paraphrase of at most six
        words, `object` a term, `evidence` and `counter` are spans. `perWindow` holds `findings.Counts` of each question
        that has an answer, with its `window` and `prompt`; of those of `prompts.AGAIN` also `askedTwice` and
        `unstable`: claims that were asked about, and those of them that were dropped since they were not found again.

    Raises:
        Refusal: no vendor is set up, the text holds too little of the person's own words, or no window has an answer of
            the right shape.
    """
    if context.ask is None:
        raise Refusal(ReasonCode.MODEL_MISSING, NO_VENDOR)
    prose = prose_of(layer)
    if prose.own_word_count < LEAST_WORDS:
        raise Refusal(
            ReasonCode.TOO_LITTLE_OWN_TEXT,
            f"the text holds {prose.own_word_count} of the person's own words; {LEAST_WORDS} are needed",
            ownWords=prose.own_word_count,
        )
    cut = _windows(layer, context.options)
    asked = _requests(cut, context.options)
    reading = _Reading(prose, context)
    if context.foresee is not None:
        context.foresee(asked)
    pairs = [*zip(asked, cut, strict=True)]
    together = TOGETHER if context.foresee is None else len(pairs)
    for start in range(0, len(pairs), together or 1):
        reading.take(context.ask, context.foresee, pairs[start : start + together])
    return reading.result()


def requests(layer: TextLayer, options: dict[str, Any]) -> list[Request]:
    """What would be asked, one a window: for a price beforehand, and for showing the person what was sent.

    Args:
        layer: any text layer.
        options: as in `analyse`; what is asked twice depends on the answers and is not among them.
    """
    return _requests(_windows(layer, options), options)


def options_of(features: dict[str, Any]) -> dict[str, Any]:
    """The options under which features were made, so that they can be made again."""
    asked = features.get("options", {})
    return {ours: asked[name] for ours, (name, _) in _OPTIONS.items() if name in asked}


def _requests(cut: list[Window], options: dict[str, Any]) -> list[Request]:
    prompt = chosen(options)
    return [
        Request(
            prompt=prompt.name,
            prompt_digest=prompt.digest,
            system=text(SYSTEM),
            document=window.document.text,
            instruction=prompt.text,
            schema=schema(),
            effort=options.get("effort", ""),
            window=window.index,
            windows=len(cut),
        )
        for window in cut
    ]


def _windows(layer: TextLayer, options: dict[str, Any]) -> list[Window]:
    return windows(layer, options.get("window", SIZE))


def repair(request: Request, wrong: str) -> Request:
    """The same question once more, with what was wrong about the first answer's shape."""
    note = f"Your last answer did not have the agreed form ({wrong}). Answer again, in exactly the form of the schema."
    return replace(request, instruction=f"{request.instruction}\n\n{note}", attempt=1)


class _Reading:
    """What was found so far."""

    def __init__(self, prose: Prose, context: Context) -> None:
        self._prose, self._options = prose, context.options
        self._task = TASKS[context.options["task"]]
        self._kept: dict[Key, Kept] = {}
        self._counts: list[dict[str, Any]] = []
        self._usage = Usage()
        self._models: set[str] = set()
        self._repaired = 0
        self._answered = 0
        self._failed = 0
        self._unheard = 0

    def take(self, ask: Ask, foresee: Foresee | None, pairs: Sequence[tuple[Request, Window]]) -> None:
        """Ask about windows and prove what is said; ask about a sample of that again, where it is wanted."""
        read = [(request, window, self._found(ask, request, window)) for request, window in pairs]
        share = self._options.get("ask_twice", 0.0)
        claims = [again.sample(found.values(), share) for _, _, found in read]
        further = [again.question(one[0], asked) if asked else None for one, asked in zip(read, claims, strict=True)]
        if foresee is not None and any(further):
            foresee([question for question in further if question is not None])
        for (_, window, found), asked, question in zip(read, claims, further, strict=True):
            if question is not None:
                for key in self._unstable(ask, question, window, asked):
                    del found[key]
            _join(self._kept, found.values())

    def _found(self, ask: Ask, request: Request, window: Window) -> dict[Key, Kept]:
        """What a first answer proves, each claim once."""
        found: dict[Key, Kept] = {}
        answer = self._ask_for(ask, request)
        if answer is None:
            self._failed += 1
            return found
        self._answered += 1
        prover = Prover(self._prose, window, self._task)
        _join(found, prover.kept(answer.findings))
        self._counts.append({"window": window.index, "prompt": request.prompt, **prover.counts.as_json()})
        return found

    def _unstable(self, ask: Ask, question: Request, window: Window, asked: Sequence[Kept]) -> set[Key]:
        """What is not found when it is asked about again; that is all of it if there is no second answer."""
        answer = self._ask_for(ask, question)
        prover = Prover(self._prose, window, self._task)
        stable = {one.key for one in again.stable(asked, answer.findings if answer else (), prover)}
        dropped = {one.key for one in asked} - stable
        self._unheard += answer is None
        twice = {"askedTwice": len(asked), "unstable": len(dropped)}
        self._counts.append({"window": window.index, "prompt": AGAIN, **prover.counts.as_json(), **twice})
        return dropped

    def _ask_for(self, ask: Ask, request: Request) -> Findings | None:
        """An answer, asked for once more if it has the wrong shape; None where it has it then too."""
        answer = self._ask(ask, request)
        if isinstance(answer, str):
            self._repaired += 1
            answer = self._ask(ask, repair(request, answer))
        return None if isinstance(answer, str) else answer

    def _ask(self, ask: Ask, request: Request) -> Findings | str:
        """The answer, or what is wrong with its shape."""
        try:
            answer: Answer = ask(request)
        except VendorError as error:
            if error.kind is not VendorErrorKind.INVALID_ANSWER:
                raise
            self._usage += error.usage
            return UNREADABLE
        self._usage += answer.usage
        self._models.add(answer.model)
        return read(answer.data)

    def result(self) -> Result:
        """Features of all windows.

        Raises:
            Refusal: none had an answer of the right shape.
        """
        message = "the model's answer did not have the agreed form, not even when asked again"
        if self._failed and not self._answered:
            raise Refusal(ReasonCode.INVALID_ANSWER, message, windows=self._failed)
        model = ", ".join(sorted(self._models - {""}))
        lacking = {"windows": self._failed, "askedTwice": self._unheard}
        details = {name: number for name, number in lacking.items() if number}
        reason = Reason(ReasonCode.INVALID_ANSWER, message, details) if details else None
        status = FeatureStatus.PARTIAL if reason else FeatureStatus.SUCCESS
        return Result(self._features(model), status, reason, model=model)

    def _features(self, model: str) -> dict[str, Any]:
        layer, prompt = self._prose.layer, chosen(self._options)
        kept = sorted(self._kept.values(), key=lambda k: (-len(k.evidence), k.key))
        totals = ("quotes", "fabricated", "askedTwice", "unstable")
        return {
            "task": self._options["task"],
            "prompt": prompt.name,
            "promptDigest": prompt.digest,
            "options": {name: self._options.get(ours, usual) for ours, (name, usual) in _OPTIONS.items()},
            "model": model,
            "language": layer.language,
            "ownWords": self._prose.own_word_count,
            "firstPersonRate": round(self._prose.first_person_rate, 2),
            "windows": self._answered + self._failed,
            "findings": [one.as_json(layer) for one in kept],
            **{total: sum(counts.get(total, 0) for counts in self._counts) for total in totals},
            # However many were asked about together.
            "perWindow": sorted(self._counts, key=lambda counts: counts["window"]),
            "repaired": self._repaired,
            "usage": self._usage.as_json(),
        }


def _join(known: dict[Key, Kept], found: Iterable[Kept]) -> None:
    for one in found:
        if (same := known.setdefault(one.key, one)) is not one:
            same.join(one)
