"""GPU workers: one fresh child per GPU, since torch used before a fork hangs."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(Queue.GPU, slots=1, shutdown_s=60.0, start_method="spawn")
