"""Recorded answers used again: a run repeated from what vendors answered.

A repetition is compared with what the run itself found, which is kept beside its recordings (`kept`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from app.analysis import Context, Result
from app.analyzers.catalog import AnalyzerRow, analyzer
from app.analyzers.llm.port import VendorError, VendorErrorKind
from app.analyzers.llm.prompts import TASKS, Prompt, shipped, versions
from app.asking import Answer, Ask, Request
from app.database import AnyRow, engine
from app.errors import EchoError, InvalidInput, NotFound
from app.features import feature_store
from app.layers import TextLayer
from app.models import Run, Step, UserDataPackage
from app.services.layers import load_main_layer
from app.services.llm import kept, recordings, vendors
from app.services.llm.asking import Door
from app.services.llm.comparing import Reading, of_traits
from app.services.llm.options import llm_options
from app.vault import PackageVault
from app.vocabulary import Authorship, Queue, StepStatus

#: Code points of a prompt of one's own.
MOST_PROMPT = 20_000
_OWN_PROMPT = re.compile(r"([a-z]+)\.([a-z0-9][a-z0-9_-]{0,31})\.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One analyzer of a run, repeated.

    Attributes:
        analyzer: its name.
        model: that answered the repetition.
        equal: whether the features are those that it is compared with, bit for bit.
        compared: "run" where these are the run's own; "newest" where the run's own were not kept, and they are the
            stored ones, of the package's newest run.
        gained: findings, as (kind, name), that only the repetition has.
        lost: those that only the run has.
        traits: `comparing.of_traits`.
        before: what the run took (`comparing.Reading.took`); None where nothing is known of it.
        after: what the repetition took, or would take.
        trouble: why it could not be repeated; empty where it was.
    """

    analyzer: str
    model: str = ""
    equal: bool = False
    compared: str = "run"
    gained: tuple[tuple[str, str], ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    traits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `echosphere replay --json` shows it."""
        return {
            "analyzer": self.analyzer,
            "model": self.model,
            "equal": self.equal,
            "compared": self.compared,
            "gained": [{"kind": kind, "name": name} for kind, name in self.gained],
            "lost": [{"kind": kind, "name": name} for kind, name in self.lost],
            "traits": {how: self.traits.get(how, []) for how in ("gained", "lost", "changed")},
            "before": self.before,
            "after": self.after,
            "trouble": self.trouble or None,
        }


def replay(run_id: UUID, model: str = "", prompt: str = "") -> list[Replayed]:
    """Repeat what a run asked: from its recordings; or with another model or prompt, which costs what it costs.

    Args:
        run_id: of the run.
        model: the other model; empty for the run's.
        prompt: a version of the prompts that come with EchoSphere ("v2"), or the path of a file `TASK.VERSION.md` of
            one's own. Only the tasks that have it are repeated. Empty for the run's.

    Raises:
        NotFound: no such run, it asked nobody, or nothing that this prompt is for.
        InvalidInput: there is no such prompt.
    """
    prompts = _prompts(prompt) if prompt else None
    with engine().connect() as connection:
        with connection.begin():
            steps = connection.execute(_ASKED.where(Step.run_id == run_id)).all()
            if not steps:
                raise NotFound("this run asked no language model, or there is no such run")
            vault = recordings.vault(connection, steps[0].package_id)
            layer = load_main_layer(connection, steps[0].user_id, steps[0].package_id)
        if layer is None:
            raise NotFound("the package has no text layer any more")
        repeated = [step for step in steps if prompts is None or _task(step) in prompts]
        if prompts is not None and not repeated:
            raise NotFound(f"this run asked nothing that this prompt is for: {', '.join(prompts)}")
        again = _Again(connection, vault, layer[1], model, prompts)
        return [again.replayed(step) for step in repeated]


def _prompts(chosen: str) -> dict[str, Prompt]:
    """The prompts that are meant, by task."""
    if chosen.endswith(".md") or "/" in chosen:
        task, own = _own_prompt(Path(chosen))
        return {task: own}
    there = versions()
    if found := {task: shipped(f"{task}.{chosen}") for task, known in there.items() if chosen in known}:
        return found
    listed = "; ".join(f"{task}: {', '.join(known)}" for task, known in there.items())
    raise InvalidInput(f"no prompt has the version {chosen!r}. There are {listed}; or name a file TASK.VERSION.md")


def _own_prompt(path: Path) -> tuple[str, Prompt]:
    named = _OWN_PROMPT.fullmatch(path.name)
    if named is None or named.group(1) not in TASKS:
        raise InvalidInput(f"a prompt's file is named TASK.VERSION.md, as in traits.mine.md; TASK: {', '.join(TASKS)}")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise InvalidInput(f"{path.name} cannot be read as a text file") from None
    if not 0 < len(text) <= MOST_PROMPT:
        raise InvalidInput(f"a prompt has 1 to {MOST_PROMPT} characters; {path.name} has {len(text)}")
    task, version = named.groups()
    if version in versions()[task] and shipped(f"{task}.{version}").text != text:
        raise InvalidInput(f"another prompt {task}.{version} comes with EchoSphere: give yours another version")
    return task, Prompt(f"{task}.{version}", text)


_ASKED = (
    select(Step.__table__, Run.consent_token_id.label("consent"), Run.bulk, UserDataPackage.details)
    .join(Run, Run.run_id == Step.run_id)
    .join(UserDataPackage, UserDataPackage.package_id == Step.package_id)
    .where(Step.queue == str(Queue.LLM), Step.state == str(StepStatus.DONE))
    .order_by(Step.analyzer)
)


def _task(step: AnyRow) -> str:
    return str(analyzer(step.analyzer).options["task"])


class _Again:
    """A run's steps, repeated.

    Args:
        connection: over which another question is asked.
        vault: of the package.
        layer: that was read.
        model: the other model; empty for the run's.
        prompts: other prompts, by task; None for the run's.
    """

    def __init__(
        self,
        connection: Connection,
        vault: PackageVault,
        layer: TextLayer,
        model: str,
        prompts: dict[str, Prompt] | None,
    ) -> None:
        self._connection, self._vault, self._layer = connection, vault, layer
        self._model, self._prompts = model, prompts
        self._anew = bool(model) or prompts is not None
        self._models: dict[str, str] | None = None
        stored = feature_store().of_package(vault.user_id, vault.package_id)
        self._newest = {one.analyzer: one.extracted_features for one in stored}

    def replayed(self, step: AnyRow) -> Replayed:
        """One step."""
        row = analyzer(step.analyzer)
        own = kept.found(self._vault, step.run_id, row.name)
        features = self._newest.get(row.name, {}) if own is None else own
        compared = "newest" if own is None else "run"
        authorship = Authorship(step.details.get("authorship", Authorship.UNKNOWN))
        try:
            context = Context(authorship, self._options(row, features), self._ask(step))
            result: Result = row.load()(self._layer, context)
        except EchoError as error:
            return Replayed(analyzer=row.name, compared=compared, trouble=error.message)
        before = Reading(row.name, features, self._layer, authorship, bulk=step.bulk)
        after = Reading(row.name, result.features, self._layer, authorship, bulk=step.bulk and not self._anew)
        return Replayed(
            analyzer=row.name,
            model=result.model,
            equal=_bits(result.features) == _bits(features),
            compared=compared,
            gained=tuple(sorted(after.findings() - before.findings())),
            lost=tuple(sorted(before.findings() - after.findings())),
            traits=of_traits(before, after),
            before=before.took(),
            after=after.took(),
        )

    def _options(self, row: AnalyzerRow, features: dict[str, Any]) -> dict[str, Any]:
        """As the run asked, whatever the settings are now; with the other prompt, where there is one."""
        from app.analyzers.llm.analyse import options_of  # noqa: PLC0415 - the web tier shows what was sent from here

        options = {**llm_options(row), **options_of(features)}
        other = (self._prompts or {}).get(options["task"])
        if other is not None:
            return {**options, "prompt": other.name, "prompt_text": other.text}
        name = features.get("prompt", "")
        return {**options, "prompt": name} if name.rpartition(".")[2] in versions()[options["task"]] else options

    def _ask(self, step: AnyRow) -> Ask:
        if self._anew:
            vendor = vendors.vendor(self._model or self._asked(step))
            return Door(self._connection, step, step, self._vault, vendor, again=True).ask
        return partial(_recorded, self._vault, step.run_id)

    def _asked(self, step: AnyRow) -> str:
        """The model that the run asked, so that another prompt is all that differs; empty where that is not known."""
        if self._models is None:
            recorded = recordings.all_of(self._vault, step.run_id)
            self._models = {one.analyzer: one.model for one in recorded}
        return self._models.get(step.analyzer, "")


def _recorded(vault: PackageVault, run_id: UUID, request: Request) -> Answer:
    from app.analyzers.llm.analyse import UNREADABLE, repair  # noqa: PLC0415 - as above

    found = recordings.find(vault, run_id, request)
    if found is not None:
        return found.answer
    if request.attempt == 0 and recordings.find(vault, run_id, repair(request, UNREADABLE)) is not None:
        # What is not even the vendor's protocol is no answer that could be recorded; that it came is known by the next.
        raise VendorError(VendorErrorKind.INVALID_ANSWER, "the answer could not be read")
    raise NotFound("no answer to this question is recorded: text, prompt or windows are not those of the run")


def _bits(features: dict[str, Any]) -> str:
    return json.dumps(features, sort_keys=True)
