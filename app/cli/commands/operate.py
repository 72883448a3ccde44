"""`echosphere up`, `down` and `scale`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from app.cli import fleet
from app.cli.console import out, say
from app.cli.environment import flower_url, home, web_url
from app.cli.options import quiet_logging
from app.cli.procfile import parse_scale, read_procfile
from app.cli.progress import step
from app.cli.supervision import Supervisor
from app.errors import InvalidInput

#: Signals that end a foreground `up`: Ctrl-C, a service manager, a closed terminal.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds within which a repeated signal is the same wish: `make` passes on what the terminal has already sent to all.
SAME_WISH_S = 1.5


def _scale(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, int]:
    try:
        return parse_scale(value, read_procfile())
    except InvalidInput as error:
        raise click.BadParameter(error.message) from error


@click.command()
@click.option("--detach", is_flag=True, help="Return when everything is ready; `echosphere down` stops it.")
@click.option("--scale", multiple=True, callback=_scale, metavar="KIND=N", help="Processes of a kind: text=3,gpu=0.")
@click.option("--sample", is_flag=True, help="Analyse the sample persona, unless its traits are there already.")
def up(*, detach: bool, scale: dict[str, int], sample: bool) -> None:
    """Start the fleet, wait until it is ready, and keep it running until Ctrl-C."""
    quiet_logging()
    place = home()
    if (supervisor := Supervisor(place)).pid() is not None:
        say(f"EchoSphere is already up at {web_url()}; `echosphere down` stops it.")
        if scale:
            _rescale(place, scale)
        fleet.wait_ready(place)
        _greet(sample=sample)
        return
    with _stopping_with_us(supervisor, keep=detach):
        while True:
            with fleet.starting(place):
                process = fleet.start(place, scale)
                with step("Starting the fleet"):
                    fleet.wait_ready(place)
            _greet(sample=sample)
            if detach:
                say("`echosphere status` shows how it is, `echosphere down` stops it.")
                return
            say("Ctrl-C stops everything.")
            if process.wait() == 0:
                say("Stopped from elsewhere.")
                return
            say("The supervisor ended unexpectedly: starting again.")


@contextmanager
def _stopping_with_us(supervisor: Supervisor, *, keep: bool) -> Iterator[None]:
    """Stop the fleet when this process is asked to, or fails; a second, later wish ends everything at once.

    Args:
        supervisor: of the fleet.
        keep: leave the fleet running when the body ends well.
    """
    asked: list[float] = []

    def wish(_number: int, _frame: FrameType | None) -> None:
        first = not asked
        if first or time.monotonic() - asked[0] > SAME_WISH_S:
            asked.append(time.monotonic())
            raise KeyboardInterrupt

    before = {number: signal.signal(number, wish) for number in STOPPING}
    try:
        yield
    except BaseException as error:
        _stop(supervisor)
        if not isinstance(error, KeyboardInterrupt):
            raise
    else:
        if not keep:
            supervisor.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(supervisor: Supervisor) -> None:
    say("Stopping ... (once more ends everything at once)")
    begun = time.monotonic()
    try:
        supervisor.stop()
    except KeyboardInterrupt:
        supervisor.kill()
    say(f"Stopped in {time.monotonic() - begun:.0f} s.")


def _greet(*, sample: bool) -> None:
    """Sample persona, addresses, token."""
    from app.cli import sample as persona  # noqa: PLC0415 - only a start needs the whole way from file to table

    user = persona.show() if sample else None
    out().print(f"\nAPI     {web_url()}   documentation {web_url()}/docs", markup=False, soft_wrap=True)
    out().print(f"Flower  {flower_url()}   (the queues, for people)", markup=False, soft_wrap=True)
    if user is not None:
        from app.services import tokens  # noqa: PLC0415 - as above

        token = tokens.mint(user, tokens.OWN_SCOPES, persona.TOKEN_S)
        out().print(
            f"Token   {token}\n        of {user}, for {persona.TOKEN_S // 3600} hours", markup=False, soft_wrap=True
        )
        out().print(
            f'Try     curl -H "Authorization: Bearer $(./echosphere token --user {user})" '
            f"{web_url()}/v1/users/{user}/persona/traits/candidates\n        ./echosphere analyze YOUR_FILE\n",
            markup=False,
            soft_wrap=True,
        )
    out().file.flush()


@click.command()
def down() -> None:
    """Stop everything that `up` started, and what an earlier start may have left."""
    place = home()
    supervisor = Supervisor(place)
    if supervisor.pid() is None:
        left = supervisor.end_left_behind()
        say(f"Ended {len(left)} processes that were left behind." if left else "Nothing was running.")
        return
    with step("Stopping"):
        supervisor.stop()


@click.command()
@click.argument("kinds", nargs=-1, required=True, callback=_scale, metavar="KIND=N...")
def scale(kinds: dict[str, int]) -> None:
    """Change how many processes of some kinds run: text=3. All others are left alone."""
    _rescale(home(), kinds)


def _rescale(place: Path, wanted: Mapping[str, int]) -> None:
    with fleet.starting(place), step("Changing the size"):
        added, removed = fleet.rescale(place, wanted)
    say(f"Started: {', '.join(added) or 'none'}. Stopped: {', '.join(removed) or 'none'}.")
