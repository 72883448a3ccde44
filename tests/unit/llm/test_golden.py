"""What is sent for each sample of the project, byte for byte as the vendor's SDK sends it.

One body of each sample is kept as a file; those of the other tasks are the same but for the task. After a change that
is meant, `ECHO_GOLDEN=write pytest tests/unit/llm/test_golden.py` writes the files anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.analysis import Blob, Context
from app.analyzers.llm.again import question
from app.analyzers.llm.analyse import requests
from app.analyzers.llm.findings import Kept
from app.analyzers.llm.prompts import AGAIN, TASKS, shipped, text
from app.layers import TextLayer
from app.perception.documents import read as read_document
from app.perception.sniff import sniff
from tests.stub_anthropic import Stub
from tests.unit.llm.texts import vendor

ROOT = Path(__file__).resolve().parents[3]
PERSONA = ROOT / "examples" / "persona"
GOLDEN = Path(__file__).with_name("golden")
SAMPLES = ("diary.md", "essay.docx", "letters.txt")
#: Of which the whole body is kept.
KEPT = "facts"


def layer_of(sample: str) -> TextLayer:
    data = (PERSONA / sample).read_bytes()
    _, media_type = sniff(data, whole=lambda: data)
    return read_document(Blob(data, media_type), Context()).layers[0]


def sent(stub: Stub, layer: TextLayer, task: str) -> bytes:
    """The one body that is sent for a task: the samples fit into one window."""
    (request,) = requests(layer, {"task": task})
    vendor(stub, "honest").complete(request, 20.0)
    return stub.requests[-1].raw


def block(instruction: str) -> bytes:
    """The last block of a body."""
    return json.dumps({"type": "text", "text": instruction}, ensure_ascii=False, separators=(",", ":")).encode() + b"]}"


def test_every_text_among_the_samples_has_its_golden_body() -> None:
    texts = {path.name for path in PERSONA.iterdir() if path.suffix in {".md", ".txt", ".docx"}} - {"README.md"}
    assert texts == set(SAMPLES)
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name.partition('.')[0]}.{KEPT}.json" for name in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_sent_for_a_sample_is_what_was_agreed_byte_for_byte(stub: Stub, sample: str) -> None:
    layer = layer_of(sample)
    golden = GOLDEN / f"{sample.partition('.')[0]}.{KEPT}.json"
    raw = sent(stub, layer, KEPT)
    if os.environ.get("ECHO_GOLDEN") == "write":
        golden.write_bytes(raw)
    assert raw == golden.read_bytes()


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("task", [task for task in TASKS if task != KEPT])
def test_of_another_task_nothing_differs_but_the_task(stub: Stub, sample: str, task: str) -> None:
    agreed = (GOLDEN / f"{sample.partition('.')[0]}.{KEPT}.json").read_bytes()
    ours, theirs = block(text(TASKS[KEPT].prompt)), block(text(TASKS[task].prompt))
    assert agreed.count(ours) == 1
    assert sent(stub, layer_of(sample), task) == agreed.replace(ours, theirs)


@pytest.mark.parametrize("sample", SAMPLES)
def test_of_the_further_question_nothing_differs_but_the_task_and_the_claims(stub: Stub, sample: str) -> None:
    agreed = (GOLDEN / f"{sample.partition('.')[0]}.{KEPT}.json").read_bytes()
    claims = [
        Kept("occupation", "Works as a nurse", "nurse", affirmed=True, sensitive=False),
        Kept("like", "Does not like crowds", "crowds", affirmed=False, sensitive=False),
    ]
    (request,) = requests(layer_of(sample), {"task": KEPT})
    vendor(stub, "honest").complete(question(request, claims), 20.0)
    said = (
        f"{shipped(AGAIN).text}\n"
        '1. {"kind": "occupation", "name": "Works as a nurse", "object": "nurse", "affirmed": true}\n'
        '2. {"kind": "like", "name": "Does not like crowds", "object": "crowds", "affirmed": false}'
    )
    assert stub.requests[-1].raw == agreed.replace(block(text(TASKS[KEPT].prompt)), block(said))
