"""No log line holds content, whoever writes it and whatever breaks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
WORDS = "Only my sister knows"


def lines(program: str) -> list[dict[str, Any]]:
    """The log of a process of its own that sets up logging and then does this."""
    head = (
        "import logging, warnings, structlog; from config.logging import configure\n"
        "configure('INFO'); configure('INFO')\n"
        f"SECRET = {WORDS!r}; log = structlog.get_logger()\n"
    )
    told = subprocess.run([sys.executable, "-c", head + program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout == ""
    assert WORDS not in told.stderr
    return [json.loads(line) for line in told.stderr.splitlines()]


def test_our_own_lines_hold_event_ids_level_and_time() -> None:
    (line,) = lines("log.info('step_failed', run='r1')")
    assert (line["event"], line["run"], line["level"]) == ("step_failed", "r1", "info")
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_its_class_and_its_place() -> None:
    (line,) = lines(
        "def inner(): raise ValueError(SECRET)\ntry: inner()\nexcept ValueError: log.warning('broke', exc_info=True)"
    )
    assert line["error"] == "ValueError"
    assert line["at"][-1].endswith(":inner")


@pytest.mark.parametrize(
    ("logger", "event"), [("celery.worker.consumer", "Received %r"), ("pdfminer.x", "pdfminer.x said something at")]
)
def test_arguments_of_libraries_are_left_out(logger: str, event: str) -> None:
    (line,) = lines(f"logging.getLogger({logger!r}).error('Received %r', SECRET)")
    assert line["event"].startswith(event)


def test_a_message_that_a_library_has_filled_itself_is_left_out() -> None:
    (line,) = lines("logging.getLogger('some.parser').error(f'cannot read {SECRET}')")
    assert line["event"].startswith("some.parser said something at")


def test_an_exception_of_a_library_is_cut_down_too() -> None:
    (line,) = lines("try: raise KeyError(SECRET)\nexcept KeyError: logging.getLogger('celery').exception('Oops')")
    assert (line["event"], line["error"]) == ("Oops", "KeyError")


def test_a_warning_is_its_kind_and_its_place() -> None:
    (line,) = lines("warnings.warn(SECRET, RuntimeWarning)")
    assert (line["event"], line["category"]) == ("python_warning", "RuntimeWarning")


def test_what_is_said_for_every_task_is_not_said() -> None:
    assert lines("logging.getLogger('celery.app.trace').info('Task %s succeeded', SECRET)") == []
    assert lines("logging.getLogger('celery.app.trace').error('Task %s raised', SECRET)") != []


def test_a_percent_sign_in_a_template_is_harmless() -> None:
    (line,) = lines("logging.getLogger('gunicorn.error').error('50% done')")
    assert line["event"] == "50% done"
