"""Control workers: interpret, merge, graph projection."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(Queue.CONTROL, slots=1, preload=("app.services.merge", "app.vault"))
