"""The llm worker on greenlets instead of threads, for the measurement of docs/decisions/0021 alone.

Everything is patched before anything else is imported. asyncio must be the one written in Python: the one in C keeps
the running loop by thread, where all greenlets are one, so that a second call says that a loop is already running.
psycopg2 blocks all greenlets while PostgreSQL answers, unless psycogreen hands it a way to wait.
"""

from __future__ import annotations

import sys

sys.modules["_asyncio"] = None  # type: ignore[assignment]  # how an import is made to fail

from gevent import monkey  # type: ignore[import-untyped]  # noqa: E402 - installed for the measurement only

monkey.patch_all()

from psycogreen.gevent import patch_psycopg  # type: ignore[import-not-found]  # noqa: E402 - as above

patch_psycopg()

from celery.__main__ import main  # noqa: E402 - after all that

sys.argv = ["celery", "-A", "workers.llm", "worker", "-P", "gevent"]
main()
