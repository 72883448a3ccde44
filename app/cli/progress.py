"""Progress for people: moving on a terminal, a few plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.cli.console import err

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def step(doing: str) -> Iterator[None]:
    """One thing that takes a while: a spinner on a terminal, and one line with its time when it is done."""
    begun = time.monotonic()
    console = err()
    with console.status(doing) if console.is_terminal else nullcontext():
        yield
    console.print(f"  {doing} ({time.monotonic() - begun:.1f} s)", markup=False, soft_wrap=True)


class Bar:
    """A progress bar. Where no terminal shows it, a line at every quarter."""

    def __init__(self, total: float) -> None:
        self._total = total
        self._quarter = -1
        self._rich: Progress | None = None

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        if err().is_terminal:
            self._rich = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=err(),
            )
            self._rich.add_task("", total=self._total)
            self._rich.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        if self._rich is not None:
            self._rich.stop()

    def show(self, done: float, doing: str) -> None:
        """Set how far it is and what is being done now."""
        if self._rich is not None:
            self._rich.update(self._rich.task_ids[0], completed=done, description=doing)
            return
        quarter = int(4 * done / self._total) if self._total else 4
        if quarter > self._quarter:
            self._quarter = quarter
            err().print(f"  {25 * quarter:3d} %  {doing}", markup=False, soft_wrap=True)
