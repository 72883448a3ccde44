"""No analyzer of the catalog calls anybody: each is run in a process of its own whose network is recorded.

The whole fleet is recorded in tests/acceptance/test_language_model.py; here every row is, those with a local model too,
on a tiny one. A new row is tried by itself; one that opens what nothing here is an example of fails the test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.analyzers.catalog import AnalyzerRow, catalog
from app.services.planning import missing_model
from app.vocabulary import DataType, Phase, Queue
from tests.acceptance import network
from tests.integration.rows.conftest import LETTER
from tests.unit.neural.conftest import emotion_model, neural

__all__ = ["emotion_model", "neural"]

ROOT = Path(__file__).resolve().parents[3]
PERSONA = ROOT / "examples" / "persona"
LOCAL = [row for row in catalog().values() if row.queue is not Queue.LLM and row.model is None]
WITH_MODEL = [row for row in catalog().values() if row.model is not None]
ASKING = [row for row in catalog().values() if row.queue is Queue.LLM]
#: What a perceiving analyzer is given, by the data types that it opens.
GIVEN: dict[DataType, tuple[str, str]] = {
    DataType.DOCUMENT: ("essay.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    DataType.IMAGE: ("note.png", "image/png"),
    DataType.AUDIO: ("voice_note.ogg", "audio/ogg"),
}
#: Runs one row as its worker does, the sandboxed child included, and prints what it ended in.
PROGRAM = """
import json, sys
from pathlib import Path
from app.analysis import Blob, Context
from app.analyzers.catalog import analyzer
from app.errors import Refusal
from app.layers import Segment, TextLayer
name, path, media_type, options = sys.argv[1:]
row, data = analyzer(name), Path(path).read_bytes()
context = Context(options={**row.options, **json.loads(options)})
try:
    if row.phase == "perceive":
        from app.perception.sandbox import sandbox
        sandbox().call(row.implementation, Blob(data, media_type), context, deadline_s=row.deadline_s)
    else:
        text = data.decode()
        row.load()(TextLayer(text, language="en", segments=(Segment(0, len(text)),)), context)
    print("done")
except Refusal as refusal:
    print(refusal.reason.code)
"""

Recorded = Callable[..., tuple[str, list[network.Event]]]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Run a program under the recorder: what it printed, and its events."""

    def run(program: str, *arguments: str) -> tuple[str, list[network.Event]]:
        folder = network.install(tmp_path / "recorder")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ECHO_")}
        environment |= {
            "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
            "ECHO_HOME": str(tmp_path / "home"),
            # A library that would ask its hub is not kept from trying.
            "HF_HUB_OFFLINE": "0",
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip(), network.events(folder)

    return run


def given(row: AnalyzerRow, folder: Path) -> tuple[str, str]:
    """Path and media type of what a row is tried on."""
    for kind, (name, media_type) in GIVEN.items():
        if kind in row.accepts:
            return str(PERSONA / name), media_type
    if row.phase is Phase.PERCEIVE:
        pytest.fail(f"nothing shows that {row.name} calls nobody: give it an input in GIVEN")
    letter = folder / "letter.txt"
    letter.write_text(LETTER * 2)
    return str(letter), "text/plain"


def nobody(events: list[network.Event]) -> None:
    """Show that no address was called and no name resolved."""
    assert network.strangers(events, set()) == []
    assert network.resolved(events) == []


def test_the_recorder_sees_what_it_is_there_for(recorded: Recorded) -> None:
    program = (
        "import contextlib, socket, subprocess, urllib.request\n"
        "one = socket.socket()\n"
        "with contextlib.suppress(OSError): one.connect(('127.0.0.1', 9))\n"
        "with contextlib.suppress(OSError): socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 10))\n"
        "with contextlib.suppress(OSError): urllib.request.urlopen('http://name.invalid/', timeout=1)\n"
        "subprocess.run(['true'])\n"
    )
    _, events = recorded(program)
    assert {("127.0.0.1", 9), ("127.0.0.1", 10)} <= {where for _, where in network.called(events)}
    assert len(network.strangers(events, {("127.0.0.1", 9)})) == 1
    assert "name.invalid" in [event.what for event in network.resolved(events)]
    assert ["true"] in [event.what for event in events if event.event in network.STARTING]


@pytest.mark.parametrize("row", LOCAL, ids=lambda row: row.name)
def test_a_local_analyzer_calls_nobody(row: AnalyzerRow, recorded: Recorded, tmp_path: Path) -> None:
    ended, events = recorded(PROGRAM, row.name, *given(row, tmp_path), "{}")
    assert ended == "done"
    nobody(events)
    assert row.sandboxed == any("sandbox_child" in event.argv for event in events if event.event == "started")


@pytest.mark.models
@pytest.mark.parametrize("row", WITH_MODEL, ids=lambda row: row.name)
def test_an_analyzer_with_a_local_model_calls_nobody(
    row: AnalyzerRow, recorded: Recorded, tmp_path: Path, emotion_model: Path
) -> None:
    options = json.dumps({"model": str(emotion_model), "task": row.model})
    ended, events = recorded(PROGRAM, row.name, *given(row, tmp_path), options)
    assert ended == "done"
    nobody(events)


@pytest.mark.parametrize("row", WITH_MODEL, ids=lambda row: row.name)
def test_without_its_model_it_is_skipped_when_planned(row: AnalyzerRow, postgres: object) -> None:
    assert missing_model(row) is not None


@pytest.mark.parametrize("row", ASKING, ids=lambda row: row.name)
def test_an_analyzer_that_asks_has_no_way_out_but_the_one_it_is_given(
    row: AnalyzerRow, recorded: Recorded, tmp_path: Path
) -> None:
    ended, events = recorded(PROGRAM, row.name, *given(row, tmp_path), "{}")
    assert ended == "model_missing"
    nobody(events)
