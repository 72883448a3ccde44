"""`echosphere status`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from app.cli.console import emit, out
from app.cli.environment import flower_url, home, web_url
from app.cli.fleet import elsewhere, probe, usable
from app.cli.options import as_json, quiet_logging
from app.cli.supervision import Supervisor
from app.vocabulary import Queue, RunStatus

#: Seconds that live workers have to answer. Status is asked for often, and must not keep anybody waiting.
ANSWER_S = 0.7


@click.command()
@as_json
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Show what runs, what waits and whether it is ready; exit status 1 where it is not."""
    quiet_logging()
    found = look()
    if as_json:
        emit(found)
    else:
        _print(found)
    context.exit(0 if found["ready"] else 1)


def look() -> dict[str, Any]:
    """The state of the fleet, in the shape of design.md section 10."""
    states = Supervisor(home()).states()
    # Without a supervisor of ours, whoever answers at our port may be another checkout's.
    green, said = probe() if states or elsewhere() else (False, {})
    answers = green or bool(said)
    services = {name: {"state": program["state"], "detail": program["detail"]} for name, program in states.items()}
    if answers and "web" not in services:
        services["web"] = {"state": "running", "detail": "not started by `echosphere up` in this home"}
    queues, runs = _work() if answers else _nothing()
    return {
        "ready": usable(green, said, states),
        "url": web_url(),
        "services": services,
        "queues": queues,
        "runs": runs,
    }


def _nothing() -> tuple[dict[str, Any], dict[str, int]]:
    empty = {str(queue): {"depth": None, "workers": 0, "slots": 0} for queue in Queue}
    return empty, dict.fromkeys(map(str, RunStatus), 0)


def _work() -> tuple[dict[str, Any], dict[str, int]]:
    """Queues and runs; while the workers are given time to answer, everything else is asked."""
    from app.tasks import inspect  # noqa: PLC0415 - nothing of this is needed where nothing runs

    queues, runs = _nothing()
    with ThreadPoolExecutor(2) as pool:
        workers, depths = pool.submit(inspect.workers, ANSWER_S), pool.submit(inspect.depths)
        counted = _run_counts()
        for queue, live in workers.result().items():
            queues[queue] |= live
        for queue, depth in depths.result().items():
            queues[queue]["depth"] = depth
    return queues, counted or runs


def _run_counts() -> dict[str, int]:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

    from app.errors import StoreUnavailable  # noqa: PLC0415
    from app.services import fleet  # noqa: PLC0415

    try:
        return fleet.run_counts()
    except (StoreUnavailable, SQLAlchemyError):  # away, or not migrated yet: both are what `ready` tells
        return {}


def _print(found: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    services = Table("Service", "State", "Detail")
    for name, service in sorted(found["services"].items()):
        services.add_row(name, service["state"], service["detail"])
    queues = Table("Queue", "Waiting", "Workers", "Slots")
    for name, queue in found["queues"].items():
        depth = "?" if queue["depth"] is None else str(queue["depth"])
        queues.add_row(name, depth, str(queue["workers"]), str(queue["slots"]))
    if found["services"]:
        out().print(services, queues)
        runs = ", ".join(f"{count} {state}" for state, count in found["runs"].items() if count)
        out().print(f"Runs: {runs or 'none yet'}")
    ready = "Ready" if found["ready"] else "Not ready: `echosphere doctor` says what is missing, `make run` starts it"
    out().print(f"{ready}. API {found['url']}, Flower {flower_url()}", markup=False, soft_wrap=True)
