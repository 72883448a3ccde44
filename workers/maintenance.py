"""The worker of the dispatcher and the reconciler, so that they never wait behind anything."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(Queue.MAINTENANCE, slots=1)
