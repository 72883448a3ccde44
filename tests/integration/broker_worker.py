"""A worker with our Celery settings and three tasks of its own: what is tested is the broker."""

from __future__ import annotations

from celery import Celery, chord

from app.tasks.base import EchoTask
from config.celery import celery_settings

app = Celery("brokers", task_cls=EchoTask)
app.conf.update(celery_settings() | {"result_chord_join_timeout": 20})


@app.task(name="text.square", ignore_result=False)
def square(number: int) -> int:
    """A header task."""
    return number * number


@app.task(name="control.total", ignore_result=False)
def total(numbers: list[int]) -> int:
    """A body."""
    return sum(numbers)


@app.task(name="control.note")
def note(_word: str) -> None:
    """A message that is only looked at."""


def sum_of_squares(count: int) -> int:
    """A chord, waited for."""
    return int(chord([square.s(number) for number in range(count)], total.s()).apply_async().get(timeout=30))
