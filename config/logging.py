"""Logs: one JSON object a line, a static event name and ids, nobody's words.

Our own code logs through structlog: `log.warning("step_failed", run=..., error=type(error).__name__)`. What libraries
log may quote anything (Celery logs a refused message whole, parsers quote what they cannot read), so it is cut down
by rule: of infrastructure the unfilled template is kept, of any other library only that and where it said something,
and of every exception its class and its place in the code, never its message.
"""

from __future__ import annotations

import logging
import sys
import warnings
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import settings

#: Libraries whose log templates are worth reading and say nothing of a person while unfilled.
INFRASTRUCTURE = frozenset({"alembic", "celery", "flower", "gunicorn", "kombu", "redis", "supervisor", "tornado"})
#: Libraries whose arguments too are figures and addresses of our own.
HARMLESS = frozenset({"alembic.runtime.migration"})
#: Those that have a line for every task, tick or import, which says nothing once it is cut down.
CHATTY = ("alembic.runtime.plugins", "celery.app.trace", "celery.beat", "celery.worker.strategy")
#: Innermost frames kept of an exception.
FRAMES = 8

_Exception = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str | None = None) -> None:
    """Set up logging of this process, to standard error; called once by every entry point, harmless when repeated.

    Args:
        level: instead of `ECHO_LOG_LEVEL`.
    """
    own: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_message,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *own, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_cut_down)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=own,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level or settings().log_level)
    warnings.showwarning = _warned  # type: ignore[assignment]  # called by position, as logging.captureWarnings relies on
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("gunicorn.error", "gunicorn.access", "celery", "celery.task", "werkzeug"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True


def _cut_down(record: logging.LogRecord) -> bool:
    """Take out of a library's record whatever could be content; ours (a dictionary by then) pass."""
    if isinstance(record.msg, dict):
        return True
    if record.name not in HARMLESS:
        if record.name.partition(".")[0] not in INFRASTRUCTURE:
            record.msg = f"{record.name} said something at {record.module}:{record.lineno}"
        record.args = ()  # without arguments the template is not filled
    record.stack_info = None
    return True


def _warned(_message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """A warning without its message, which may quote the data that it warns about."""
    structlog.get_logger().warning("python_warning", category=category.__name__, at=f"{filename}:{lineno}")


def _exception_without_message(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """An exception as its class and its place in the code: its message may quote what it could not handle."""
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    found = _as_exception(info)
    if found is not None:
        event["error"] = f"{found[0].__module__}.{found[0].__qualname__}".removeprefix("builtins.")
        event["at"] = _frames(found[2])
    return event


def _as_exception(info: Any) -> _Exception | None:  # noqa: ANN401 - logging takes True, an exception or a triple
    if isinstance(info, BaseException):
        return type(info), info, info.__traceback__
    if not info:
        return None
    if not isinstance(info, tuple):
        info = sys.exc_info()
    return info if info[0] is not None else None


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename}:{traceback.tb_lineno}:{code.co_name}")
        traceback = traceback.tb_next
    return frames[-FRAMES:]
