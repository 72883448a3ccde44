"""The one table of all analyzers: the map of what EchoSphere can do.

Adding an analyzer is one file, one row here and one test. Other packages add rows through the entry-point group
`echosphere.analyzers`: each entry point names an `AnalyzerRow`. Implementations are named as strings, so that reading
this table loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from app.analysis import Result
from app.errors import Misconfigured
from app.vocabulary import DataType, Modality, Phase, Queue

TEXT_LOCAL = "analyse:text:local"
AUDIO_LOCAL = "analyse:audio:local"
IMAGE_LOCAL = "analyse:image:local"

#: Every scope that local analysis can ask for; what `echosphere analyze` grants unless told otherwise.
LOCAL_SCOPES = (TEXT_LOCAL, AUDIO_LOCAL, IMAGE_LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerRow:
    """One analyzer.

    Attributes:
        name: "text.style"; unique.
        version: changes whenever its output could; part of the feature set's id.
        phase: perceive (gets a `Blob`) or interpret (gets a `TextLayer`).
        modality: what is recorded with its features.
        queue: where it runs.
        scope: the consent scope it needs.
        implementation: "package.module:function".
        accepts: data types that a perceiving analyzer opens; empty for interpreting ones.
        model: name of the local model it needs (a folder under `ECHO_MODELS_DIR`), or None.
        heavy: has a lane of its own; light analyzers of one queue share one.
        sandboxed: runs in the sandboxed child process (parsers, native code).
        deadline_s: seconds after which the sandboxed child is killed.
        options: passed to the implementation as `Context.options`.
    """

    name: str
    version: str
    phase: Phase
    modality: Modality
    queue: Queue
    scope: str
    implementation: str
    accepts: frozenset[DataType] = frozenset()
    model: str | None = None
    heavy: bool = False
    sandboxed: bool = False
    deadline_s: float = 100.0
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def lane(self) -> str:
        """The header task this analyzer travels in."""
        return f"{self.queue}:{self.name}" if self.heavy else str(self.queue)

    def load(self) -> Callable[..., Result]:
        """Import and return the implementation. Call it only in the process that runs it."""
        module, _, function = self.implementation.partition(":")
        loaded: Callable[..., Result] = getattr(import_module(module), function)
        return loaded


DOCUMENTS = frozenset({DataType.TEXT, DataType.DOCUMENT, DataType.MAIL})

BUILT_IN: tuple[AnalyzerRow, ...] = (
    AnalyzerRow(
        name="text.read",
        version="1",
        phase=Phase.PERCEIVE,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        accepts=DOCUMENTS,
        sandboxed=True,
        implementation="app.perception.documents:read",
    ),
    AnalyzerRow(
        name="image.ocr",
        version="1",
        phase=Phase.PERCEIVE,
        modality=Modality.IMAGE,
        queue=Queue.TEXT,
        scope=IMAGE_LOCAL,
        accepts=frozenset({DataType.IMAGE}),
        sandboxed=True,
        implementation="app.perception.images:ocr",
    ),
    AnalyzerRow(
        name="audio.prosody",
        version="1",
        phase=Phase.PERCEIVE,
        modality=Modality.AUDIO,
        queue=Queue.AUDIO,
        scope=AUDIO_LOCAL,
        accepts=frozenset({DataType.AUDIO}),
        sandboxed=True,
        deadline_s=500.0,
        implementation="app.analyzers.audio.prosody:analyse",
    ),
    AnalyzerRow(
        name="text.statistics",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        implementation="app.analyzers.text.statistics:analyse",
    ),
    AnalyzerRow(
        name="text.sentiment",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        implementation="app.analyzers.text.sentiment:analyse",
    ),
    AnalyzerRow(
        name="text.style",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        implementation="app.analyzers.text.style:analyse",
    ),
    AnalyzerRow(
        name="text.topics",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        implementation="app.analyzers.text.topics:analyse",
    ),
    AnalyzerRow(
        name="text.facts",
        version="2",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.TEXT,
        scope=TEXT_LOCAL,
        implementation="app.analyzers.text.facts:analyse",
    ),
    AnalyzerRow(
        name="text.sentiment_model",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.GPU,
        scope=TEXT_LOCAL,
        model="sentiment",
        heavy=True,
        implementation="app.analyzers.neural.classify:analyse",
    ),
    AnalyzerRow(
        name="text.emotion_model",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.GPU,
        scope=TEXT_LOCAL,
        model="emotion",
        heavy=True,
        implementation="app.analyzers.neural.classify:analyse",
    ),
)


@cache
def catalog() -> dict[str, AnalyzerRow]:
    """All analyzers by name, ours and those of installed packages.

    Raises:
        Misconfigured: two rows share a name.
    """
    from app.analyzers.llm.rows import ROWS  # noqa: PLC0415 - its rows are of this module's class

    rows = [*BUILT_IN, *ROWS, *(point.load() for point in entry_points(group="echosphere.analyzers"))]
    table: dict[str, AnalyzerRow] = {}
    for row in rows:
        if row.name in table:
            raise Misconfigured(f"two analyzers are named {row.name!r}: rename one of them")
        table[row.name] = row
    return table


def analyzer(name: str) -> AnalyzerRow:
    """The row of that name.

    Raises:
        Misconfigured: there is none; the message lists those that exist.
    """
    try:
        return catalog()[name]
    except KeyError:
        raise Misconfigured(f"no analyzer is named {name!r}; there are: {', '.join(sorted(catalog()))}") from None


def perceiving(data_type: DataType) -> list[AnalyzerRow]:
    """Analyzers that open this type of data."""
    return [row for row in catalog().values() if row.phase is Phase.PERCEIVE and data_type in row.accepts]


def interpreting() -> list[AnalyzerRow]:
    """Analyzers that read a text layer."""
    return [row for row in catalog().values() if row.phase is Phase.INTERPRET]
