"""Workers that wait for remote models, in threads; their deadline is in the client."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(Queue.LLM, slots=8, pool="threads")
