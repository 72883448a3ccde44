"""`echosphere review`: the person decides, one candidate at a time."""

from __future__ import annotations

from typing import Any

import click
from rich.padding import Padding
from rich.text import Text

from app.cli.client import Client, Refused
from app.cli.console import err
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import last_user, quiet_logging, user_option
from app.cli.show import passage
from app.vocabulary import CandidateStatus, UserDecision

#: What each key does; the first letter is the key.
KEYS = {
    "c": "confirm",
    "m": "modify",
    "r": "reject",
    "s": "skip",
    "q": "quit",
}
#: Candidates that wait for a decision.
OPEN = f"{CandidateStatus.CANDIDATE},{CandidateStatus.AWAITING_REFINEMENT}"


@click.command()
@user_option("Whose candidates; without it, those of the last analysis on this machine.")
def review(user_id: str | None) -> None:
    """Decide on the open candidates one by one, each shown with all its evidence."""
    quiet_logging()
    need_up(home())
    with Client(last_user(user_id)) as client:
        waiting = [*client.candidates(status=OPEN)]
        if not waiting:
            err().print(f"Nothing waits for a decision of {client.user_id}.", markup=False, soft_wrap=True)
        for number, candidate in enumerate(waiting, 1):
            show(client.candidate(candidate["candidateID"]), number, len(waiting))
            if not decide(client, candidate):
                return


def show(candidate: dict[str, Any], number: int, total: int) -> None:
    """One candidate with everything that speaks for and against it, and why it is as sure as it is."""
    screen = err()
    screen.rule(f"{number} of {total}")
    screen.print(Text(candidate["traitName"], "bold"))
    screen.print(Text(candidate["traitDescription"]))
    screen.print(Text(f"{candidate['claimKind']}, {candidate['traitCategory']}, {candidate['grade']}", "dim"))
    for title, side in (("Evidence", "supportingEvidenceSnippets"), ("Against", "counterEvidenceSnippets")):
        if candidate[side]:
            screen.print(f"\n{title}")
        for snippet in candidate[side]:
            screen.print(Padding(passage(snippet), (0, 0, 0, 2)))
    screen.print("\nWhy this sure")
    for part in candidate["confidence"].get("explain", []):
        screen.print(Text(f"  {part['value']:+.2f}  {part['label']}", "dim"))


def decide(client: Client, candidate: dict[str, Any]) -> bool:
    """Ask for a key and record what it stands for.

    Returns:
        Whether to go on.
    """
    choices = click.Choice([*KEYS])
    legend = "  ".join(f"[{key}]{word[1:]}" for key, word in KEYS.items())
    key = click.prompt(f"\n{legend}", type=choices, show_choices=False, err=True)
    if key == "q":
        return False
    if key != "s":
        try:
            client.act(candidate["candidateID"], _action(key, candidate))
        except Refused as refused:
            err().print(refused.message, markup=False, soft_wrap=True)
    return True


def _action(key: str, candidate: dict[str, Any]) -> dict[str, Any]:
    if key == "c":
        return {"userDecision": str(UserDecision.CONFIRMED_ASIS)}
    if key == "r":
        why = click.prompt("Why (may be empty)", default="", show_default=False, err=True)
        return {"userDecision": str(UserDecision.REJECTED), **({"rejectionReason": why} if why else {})}
    name = click.prompt("Name", default=candidate["traitName"], err=True)
    description = click.prompt("Description", default=candidate["traitDescription"], err=True)
    changed = {"refinedTraitName": name, "refinedTraitDescription": description}
    return {"userDecision": str(UserDecision.CONFIRMED_MODIFIED), "modifications": changed}
