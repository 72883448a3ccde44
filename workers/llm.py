"""Workers that wait for remote models, in threads; their deadline is in the client."""

from app.vocabulary import Queue
from config.settings import settings
from workers.kind import worker

#: Loaded before the threads begin, which would otherwise wait for each other at their first call.
VENDORS = ("app.analyzers.llm.anthropic_vendor",) if settings().anthropic_api_key.get_secret_value() else ()

app = worker(Queue.LLM, slots=8, pool="threads", preload=VENDORS)
