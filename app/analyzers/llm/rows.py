"""The rows that the `llm` queue adds to the catalog, one for each task."""

from __future__ import annotations

from app.analyzers.catalog import AnalyzerRow
from app.vocabulary import Modality, Phase, Queue

#: The vendor is a scope of its own: local analysis may be allowed where this is not.
TEXT_ANTHROPIC = "analyse:text:anthropic"

#: Prompt and the beginning of its digest (`prompts.Prompt`); a test holds them to the files. Written out, since this
#: table is read by every process and the files by those that ask.
VERSIONS = {
    "traits": "traits.v1-bc79f3d5",
    "facts": "facts.v1-0b70f611",
    "concepts": "concepts.v1-bc3750f2",
    "style": "style.v1-cf30f1e3",
    "stance": "stance.v1-72b0b3ea",
    "summary": "summary.v1-b71077c2",
}
#: `redact.VERSION`: what is taken out of a text changes what is read in it. Written out for the same reason.
REDACTION = "r3"

ROWS: tuple[AnalyzerRow, ...] = tuple(
    AnalyzerRow(
        name=f"llm.{task}",
        version=f"{version}-{REDACTION}",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.LLM,
        scope=TEXT_ANTHROPIC,
        heavy=True,
        deadline_s=300.0,
        implementation="app.analyzers.llm.analyse:analyse",
        options={"task": task},
    )
    for task, version in VERSIONS.items()
)
