"""Audio workers: the listening itself happens in their sandboxed children."""

from app.vocabulary import Queue
from workers.kind import worker

app = worker(Queue.AUDIO, slots=1, preload=("app.vault",), warm=("app.analyzers.audio.prosody",))
