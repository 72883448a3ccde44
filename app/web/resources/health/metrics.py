"""Figures about the fleet in Prometheus' text format; nothing about a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.errors import StoreUnavailable
from app.services import fleet
from app.services.llm.spending import window_name
from app.tasks import inspect

#: Figure by the values of its labels.
Figures = Mapping[tuple[str, ...], float]


class Fleet(Collector):
    """Reads the rows and the broker when asked, so that every web process tells the same."""

    def collect(self) -> Iterator[Metric]:
        """Runs by state, messages, workers and slots by queue; calls, cost, quotations and limits by vendor."""
        try:
            runs, asked = fleet.run_counts(), fleet.vendors_now()
        except StoreUnavailable:
            runs, asked = {}, fleet.Vendors()
        depths = {queue: depth for queue, depth in inspect.depths().items() if depth is not None}
        answers = {"database": bool(runs), "broker": bool(depths)}
        yield _gauge("echosphere_up", "Whether PostgreSQL and the broker answer", "part", answers)
        yield _gauge("echosphere_runs", "Runs by state", "state", runs)
        yield from _vendors(asked)
        yield _gauge("echosphere_queue_messages", "Messages waiting by queue", "queue", depths)
        found = inspect.workers() if depths else {}
        for figure, meaning in (("workers", "Live workers by queue"), ("slots", "Worker slots by queue")):
            counts = {queue: counted[figure] for queue, counted in found.items()}
            yield _gauge(f"echosphere_{figure}", meaning, "queue", counts)


def _vendors(asked: fleet.Vendors) -> Iterator[Metric]:
    """Gauges and no counters: an erased person takes their calls along, and an open call counts with its worst case."""
    calls: defaultdict[tuple[str, ...], int] = defaultdict(int)
    dollars: defaultdict[tuple[str, ...], float] = defaultdict(float)
    quotes: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for row in asked.tallies:
        calls[row.vendor, row.model, row.outcome] += row.calls
        dollars[row.vendor, row.model, row.outcome] += float(row.cost)
        if row.quotes:
            window = window_name(row.window)
            quotes[row.model, row.prompt, window, "yes"] += row.quotes - row.fabricated
            quotes[row.model, row.prompt, window, "no"] += row.fabricated
    by_outcome = ("vendor", "model", "outcome")
    yield _family("echosphere_llm_calls", "Calls by outcome", by_outcome, calls)
    yield _family("echosphere_llm_cost_usd", "US dollars, open calls at their worst case", by_outcome, dollars)
    by_window = ("model", "prompt", "window", "proven")
    yield _family("echosphere_llm_quotes", "Quotations, and whether they are in the text", by_window, quotes)
    yield _gauge("echosphere_llm_breaker_open", "1 while the vendor is left alone", "vendor", asked.breakers)
    yield _gauge("echosphere_llm_slots_used", "Calls that are being made", "vendor", asked.slots_used)
    yield _gauge("echosphere_llm_slots_allowed", "Calls that may be made at a time", "vendor", asked.slots_allowed)
    waiting: Figures = {} if asked.waiting is None else {(): asked.waiting}
    yield _family("echosphere_llm_waiting_steps", "Steps put off until their vendor is asked again", (), waiting)


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    return _family(name, meaning, (label,), {(value,): figure for value, figure in values.items()})


def _family(name: str, meaning: str, labels: tuple[str, ...], values: Figures) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=labels)
    for of_labels, figure in values.items():
        gauge.add_metric(of_labels, float(figure))
    return gauge


def exposition() -> bytes:
    """The figures of this moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fleet())
    return generate_latest(registry)
