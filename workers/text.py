"""Text workers: reading, recognising and interpreting text."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(
    Queue.TEXT,
    slots=2,
    preload=(
        "app.analyzers.text.facts",
        "app.analyzers.text.sentiment",
        "app.analyzers.text.statistics",
        "app.analyzers.text.style",
        "app.analyzers.text.topics",
        "app.vault",
    ),
    warm=("app.perception.documents", "app.perception.plain", "app.perception.language:load"),
)
