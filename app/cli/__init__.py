"""The echosphere command: `main`, and commands that are imported when they are called.

Exit status: 0 done, 1 failed, 2 wrong usage. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pydantic import ValidationError

#: Module by command; its function `command` is the command. `--help` reads the line beside it and imports nothing.
COMMANDS = {
    "up": ("operate:up", "Start the fleet and keep it running."),
    "down": ("operate:down", "Stop everything that `up` started."),
    "status": ("status:status", "Show what runs, what waits and whether it is ready."),
    "scale": ("operate:scale", "Change how many processes of a kind run."),
    "doctor": ("doctor:doctor", "Say what is missing and the command that mends it."),
    "token": ("token:token", "Print a bearer token for the API."),
    "analyze": ("analyze:analyze", "Analyse files and show the trait candidates."),
    "traits": ("traits:traits", "List a person's trait candidates."),
    "review": ("review:review", "Decide on the candidates one by one."),
    "text": ("package:text", "Print the text layer of a package."),
    "features": ("package:features", "Print the raw features of a package."),
    "sent": ("llm:sent", "Show exactly what of a package was sent to vendors."),
    "replay": ("llm:replay", "Repeat a run's questions from their recorded answers, or ask another model."),
    "reanalyze": ("reanalyze:reanalyze", "Analyse packages again, in bulk at half the price where that is wanted."),
    "costs": ("costs:costs", "Show what language models cost, by run and trait."),
    "models": ("models:models", "Show language models and local models; fetch the local ones."),
    "demo-llm": ("demo_llm:demo_llm", "Show the language-model lane without a key, against a stub of the vendor."),
    "access": ("access:access", "Show who read a person's data, why and when."),
    "export": ("export_:export", "Take everything that is known of a person away, in one zip."),
    "import": ("import_:import_", "Bring a bundle of `export` back."),
    "verify-evidence": ("evidence:verify_evidence", "Check every stored passage against its text."),
    "erase": ("erase:erase", "Erase an upload, or everything, with a signed receipt."),
    "erase-due": ("erase_due:erase_due", "Erase now what its retention no longer allows."),
    "verify-receipt": ("erase:verify_receipt", "Check the signature of an erasure's receipt."),
    "migrate": ("migrate:migrate", "Bring every store's schema up to date."),
    "keys": ("keys:keys", "Look at the master key and rotate it."),
    "graph": ("graph:graph", "Work on the persona knowledge graphs."),
    "bench": ("bench:bench", "Measure the fleet against plain processes."),
}


class _Lazy(click.Group):
    """A group that imports a command's module when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"app.cli.commands.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="echosphere", prog_name="echosphere")
def cli() -> None:
    """Your own words and voice into traits with proof: start with `make run`, then `echosphere analyze FILE`."""
    if os.environ.get("ECHO_ENV_FILE"):
        from app.cli.environment import adopt  # noqa: PLC0415 - only where there is such a file

        adopt()


def main() -> None:
    """Entry point: errors are one sentence; ECHO_DEBUG=1 shows the traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that lacks a character shows `?`
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("Interrupted.\n")
        status = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: say no more
        status = 1
    except Exception as error:
        if os.environ.get("ECHO_DEBUG"):
            raise
        sys.stderr.write(f"{_sentence(error)}\n")
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def wrong_settings(error: ValidationError) -> str:
    """Settings that are wrong, by name, and why; never their values."""
    return "; ".join(f"ECHO_{'_'.join(map(str, found['loc'])).upper()}: {found['msg']}" for found in error.errors())


def _sentence(error: Exception) -> str:
    """An error in plain words: ours as they are, settings by name, others by kind alone: they may quote content."""
    from pydantic import ValidationError  # noqa: PLC0415 - only when something went wrong

    from app.errors import EchoError  # noqa: PLC0415 - as above

    if isinstance(error, EchoError):
        return error.message
    if isinstance(error, ValidationError):
        return f"a setting is wrong: {wrong_settings(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}"
    return f"{type(error).__name__}: unexpected; ECHO_DEBUG=1 shows where, `echosphere doctor` what is missing"
