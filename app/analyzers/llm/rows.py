"""The rows that the `llm` queue adds to the catalog, one for each task."""

from __future__ import annotations

from app.analyzers.catalog import AnalyzerRow
from app.vocabulary import Modality, Phase, Queue

#: The vendor is a scope of its own: local analysis may be allowed where this is not.
TEXT_ANTHROPIC = "analyse:text:anthropic"

#: Prompt and the beginning of its digest (`prompts.digest`); a test holds them to the files. Written out, since this
#: table is read by every process and the files by those that ask.
VERSIONS = {
    "traits": "traits.v1-7d3119fe",
    "facts": "facts.v1-eb0a399c",
    "concepts": "concepts.v1-dcd525ce",
    "style": "style.v1-9bfc8f03",
    "stance": "stance.v1-f7b46994",
    "summary": "summary.v1-f64d9a4c",
}

ROWS: tuple[AnalyzerRow, ...] = tuple(
    AnalyzerRow(
        name=f"llm.{task}",
        version=version,
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
