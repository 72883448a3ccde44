"""The analyzers of the `llm` queue: one function, one table of tasks (`prompts.TASKS`).

A layer is cut into windows; of each, the task's question is asked through `Context.ask`; what comes back is proven, and
what several windows found is joined. Nothing here opens a socket or knows a vendor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.analysis import Context, Result
from app.analyzers.llm.answers import Findings, read, schema
from app.analyzers.llm.findings import Kept, Prover
from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.analyzers.llm.prompts import SYSTEM, TASKS, digest, text
from app.analyzers.llm.windows import SIZE, Window, windows
from app.asking import Answer, Ask, Request, Usage
from app.errors import Reason, Refusal
from app.layers import TextLayer
from app.prose import Prose, prose_of
from app.vocabulary import FeatureStatus, ReasonCode

#: Own words below which a model would say something all the same.
LEAST_WORDS = 100
NO_VENDOR = "no language model is set up: set ECHO_ANTHROPIC_API_KEY and analyse again"


def analyse(layer: TextLayer, context: Context) -> Result:
    """Ask a language model about a text.

    Args:
        layer: any text layer; own segments are sent as the person's words, headings and others' words as context.
        context: `ask`, and of the options `task` (a key of `prompts.TASKS`), `window` (code points) and `effort`.

    Returns:
        Features `{task, prompt, promptDigest, model, language, ownWords, firstPersonRate, windows, findings, quotes,
        fabricated, perWindow, repaired, usage}`. Each of `findings` is `{kind, name, object, affirmed, sensitive,
        places, evidence, counter, relations}`: `name` is a paraphrase of at most six words, `object` a term, `evidence`
        and `counter` are spans. `perWindow` holds `findings.Counts`.

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
    reading = _Reading(prose, context)
    for request, window in zip(requests(layer, context.options), _windows(layer, context.options), strict=True):
        reading.take(context.ask, request, window)
    return reading.result()


def requests(layer: TextLayer, options: dict[str, Any]) -> list[Request]:
    """What would be asked, one a window: for a price beforehand, and for showing the person what was sent.

    Args:
        layer: any text layer.
        options: `task`, `window`, `effort`, as in `analyse`.
    """
    task = TASKS[options["task"]]
    cut = _windows(layer, options)
    return [
        Request(
            prompt=task.prompt,
            prompt_digest=digest(task.prompt),
            system=text(SYSTEM),
            document=window.document.text,
            instruction=text(task.prompt),
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
        self._kept: dict[tuple[str, str, bool], Kept] = {}
        self._counts: list[dict[str, int]] = []
        self._usage = Usage()
        self._models: set[str] = set()
        self._repaired = 0
        self._failed = 0

    def take(self, ask: Ask, request: Request, window: Window) -> None:
        """Ask about a window, once more if the answer has the wrong shape, and prove what it says."""
        answer = self._ask(ask, request)
        if isinstance(answer, str):
            self._repaired += 1
            answer = self._ask(ask, repair(request, answer))
        if isinstance(answer, str):
            self._failed += 1
            return
        prover = Prover(self._prose, window, self._task)
        for kept in prover.kept(answer.findings):
            known = self._kept.setdefault(kept.key, kept)
            if known is not kept:
                known.join(kept)
        self._counts.append({"window": window.index, **prover.counts.as_json()})

    def _ask(self, ask: Ask, request: Request) -> Findings | str:
        """The answer, or what is wrong with its shape."""
        try:
            answer: Answer = ask(request)
        except VendorError as error:
            if error.kind is not VendorErrorKind.INVALID_ANSWER:
                raise
            self._usage += error.usage
            return "the answer cannot be read"
        self._usage += answer.usage
        self._models.add(answer.model)
        return read(answer.data)

    def result(self) -> Result:
        """Features of all windows.

        Raises:
            Refusal: none had an answer of the right shape.
        """
        message = "the model's answer did not have the agreed form, not even when asked again"
        if self._failed and not self._counts:
            raise Refusal(ReasonCode.INVALID_ANSWER, message, windows=self._failed)
        model = ", ".join(sorted(self._models - {""}))
        reason = Reason(ReasonCode.INVALID_ANSWER, message, {"windows": self._failed}) if self._failed else None
        status = FeatureStatus.PARTIAL if reason else FeatureStatus.SUCCESS
        return Result(self._features(model), status, reason, model=model)

    def _features(self, model: str) -> dict[str, Any]:
        layer = self._prose.layer
        kept = sorted(self._kept.values(), key=lambda k: (-len(k.evidence), k.key))
        return {
            "task": self._options["task"],
            "prompt": self._task.prompt,
            "promptDigest": digest(self._task.prompt),
            "model": model,
            "language": layer.language,
            "ownWords": self._prose.own_word_count,
            "firstPersonRate": round(self._prose.first_person_rate, 2),
            "windows": len(self._counts) + self._failed,
            "findings": [one.as_json(layer) for one in kept],
            "quotes": sum(counts["quotes"] for counts in self._counts),
            "fabricated": sum(counts["fabricated"] for counts in self._counts),
            "perWindow": self._counts,
            "repaired": self._repaired,
            "usage": self._usage.as_json(),
        }
