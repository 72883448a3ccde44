"""Figures about the fleet in Prometheus' text format; nothing about a person."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.errors import StoreUnavailable
from app.services import fleet
from app.tasks import inspect


class Fleet(Collector):
    """Reads the rows and the broker when asked, so that every web process tells the same."""

    def collect(self) -> Iterator[Metric]:
        """Runs by state, messages, workers and slots by queue."""
        up = GaugeMetricFamily("echosphere_up", "Whether PostgreSQL and the broker answer", labels=["part"])
        try:
            runs, calls, quoted = fleet.run_counts(), fleet.vendor_calls(), fleet.fabrications()
        except StoreUnavailable:
            runs, calls, quoted = {}, [], []
        depths = {queue: depth for queue, depth in inspect.depths().items() if depth is not None}
        up.add_metric(["database"], float(bool(runs)))
        up.add_metric(["broker"], float(bool(depths)))
        yield up
        yield _gauge("echosphere_runs", "Runs by state", "state", runs)
        asked = GaugeMetricFamily("echosphere_llm_calls", "Calls by outcome", labels=["vendor", "model", "outcome"])
        for vendor, model, outcome, count in calls:
            asked.add_metric([vendor, model, outcome], count)
        yield asked
        quotes = GaugeMetricFamily(
            "echosphere_llm_quotes", "Quotations of models", labels=["model", "prompt", "proven"]
        )
        for model, prompt, count, fabricated in quoted:
            quotes.add_metric([model, prompt, "yes"], count - fabricated)
            quotes.add_metric([model, prompt, "no"], fabricated)
        yield quotes
        yield _gauge("echosphere_queue_messages", "Messages waiting by queue", "queue", depths)
        found = inspect.workers() if depths else {}
        for figure, meaning in (("workers", "Live workers by queue"), ("slots", "Worker slots by queue")):
            counts = {queue: counted[figure] for queue, counted in found.items()}
            yield _gauge(f"echosphere_{figure}", meaning, "queue", counts)


def _gauge(name: str, meaning: str, label: str, values: dict[str, int]) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=[label])
    for value, figure in values.items():
        gauge.add_metric([value], figure)
    return gauge


def exposition() -> bytes:
    """The figures of this moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fleet())
    return generate_latest(registry)
