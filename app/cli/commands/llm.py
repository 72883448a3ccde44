"""`echosphere sent` and `echosphere replay`: operators' commands on what vendors were asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from app.cli.console import emit, out, say
from app.cli.options import as_json, quiet_logging

if TYPE_CHECKING:
    from app.services.llm.replay import Replayed


@click.command()
@click.argument("package", type=click.UUID)
@as_json
def sent(package: UUID, *, as_json: bool) -> None:
    """Show exactly what of PACKAGE was sent to vendors, redacted as it left."""
    quiet_logging()
    from app.services import access, packages  # noqa: PLC0415 - `--help` needs no database driver
    from app.services.llm import sent as sending  # noqa: PLC0415 - as above
    from app.vocabulary import AccessAction  # noqa: PLC0415 - as above

    owner = packages.owner_of(package)
    found = sending.sent(owner, package)
    access.record(None, owner, access.OPERATOR, AccessAction.READ_TEXT, "sent", package)
    if as_json:
        emit({name: found[name] for name in ("data", "unrecorded", "unrecordedTotal")})
        return
    if found["data"]:
        # A terminal gets a pager: a book is long.
        click.echo_via_pager(_lines(found["data"]))
    else:
        say("Nothing of this package is recorded as sent to a vendor.")
    if more := found["unrecordedTotal"] - len(found["unrecorded"]):
        say(f"{more} earlier calls are not on record either.")
    for call in found["unrecorded"]:
        asked = f"{call['askedAt'][:19]}  {call['prompt']} -> {call['model']}, part {call['window'] + 1}"
        outcome = call["outcome"]
        say(f"{asked}: {_UNRECORDED.get(outcome, f'{outcome}, and therefore not on record')}")


#: What is said of calls that are not on record, by outcome.
_UNRECORDED = {"answered": "not kept", "open": "no answer yet", "batched": "no answer yet"}


def _lines(questions: list[dict[str, Any]]) -> Iterator[str]:
    from app.analyzers.llm.prompts import is_shipped  # noqa: PLC0415 - `--help` needs no prompts

    shown: set[tuple[str, int]] = set()
    for one in questions:
        part = f"part {one['window'] + 1} of {one['windows']}"
        again = ", once more for its form" if one["attempt"] else ""
        yield f"{one['askedAt'][:19]}  {one['analyzer']}, {one['prompt']} -> {one['model']}, {part}{again}\n"
        # Asked twice or for its form, the instruction holds what the model itself had said.
        if not is_shipped(one["prompt"], one["instruction"]):
            yield f"\n{one['instruction']}\n\n"
        # All tasks read the same text; it is shown with the first.
        if (one["document"], one["window"]) not in shown:
            shown.add((one["document"], one["window"]))
            yield f"\n{one['document']}\n\n"


@click.command()
@click.argument("run", type=click.UUID)
@click.option("--model", default="", help="Ask this model instead; it costs what it costs.")
@click.option(
    "--prompt",
    default="",
    help="Ask with this version of the prompts, such as v2, or with a file TASK.VERSION.md of your own; as above.",
)
@as_json
@click.pass_context
def replay(context: click.Context, run: UUID, model: str, prompt: str, *, as_json: bool) -> None:
    """Repeat what RUN asked language models, offline from its recorded answers; the features must be equal.

    With another model or prompt, what was asked is asked again, and the difference shown: of findings and of traits.
    """
    quiet_logging()
    from app.services.llm import replay as replaying  # noqa: PLC0415 - `--help` needs no database driver

    found = replaying.replay(run, model, prompt)
    if as_json:
        emit({"data": [one.as_json() for one in found]})
    else:
        for one in found:
            for line in _compared(one, anew=bool(model or prompt)):
                out().print(line, markup=False, soft_wrap=True)
    failed = any(one.trouble for one in found) if model or prompt else not all(one.equal for one in found)
    context.exit(1 if failed else 0)


def _compared(one: Replayed, *, anew: bool) -> Iterator[str]:
    """One analyzer's repetition beside the run's own; `anew`: something else was asked."""
    if one.trouble:
        yield f"{one.analyzer}: {one.trouble}"
        return
    newest = " from the newest run of the package: what this run found was not kept" if one.compared == "newest" else ""
    same = anew and not (one.gained or one.lost or any(one.traits.values()))
    yield f"{one.analyzer}: {'equal bit for bit' if one.equal else 'the same findings' if same else 'differs'}{newest}"
    if one.equal:
        return
    for when, side in (("before", one.before), ("now", one.after)):
        if side:
            yield f"  {when}: {_took(side)}"
    for mark, findings in (("+", one.gained), ("-", one.lost)):
        for kind, name in findings:
            yield f"  {mark} {kind}: {name}"
    for mark, traits in (("+", one.traits["gained"]), ("-", one.traits["lost"])):
        for trait in traits:
            yield f"  {mark} trait {trait['name']} ({trait['category']}), {trait['evidence']} passages"
    for trait in one.traits["changed"]:
        before, now = trait["evidence"]
        yield f"  ~ trait {trait['name']} ({trait['category']}), {now} passages instead of {before}"


def _took(side: dict[str, Any]) -> str:
    tokens = sum(side["tokens"].values())
    cost = "at an unknown price" if side["cost"] is None else f"{float(side['cost']):.4f} USD"
    return (
        f"{side['model']}, {side['prompt']}: {side['quotes']} quotations, {side['fabricated']} made up; "
        f"{tokens} tokens, {cost}"
    )
