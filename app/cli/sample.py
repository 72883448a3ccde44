"""The bundled sample persona: what a newcomer sees first."""

from __future__ import annotations

from pathlib import Path

from app.analyzers.catalog import LOCAL_SCOPES
from app.cli import analysis
from app.cli.client import Client
from app.cli.console import out, say
from app.cli.options import remember_user
from app.cli.show import candidates_table
from app.vocabulary import Authorship
from config.settings import ROOT

USER = "sample-persona"
FOLDER = ROOT / "examples" / "persona"
#: Seconds that the printed token lives.
TOKEN_S = 12 * 3600


def files() -> list[Path]:
    """The persona's documents, recordings and pictures."""
    found = sorted(FOLDER.iterdir()) if FOLDER.is_dir() else []
    return [file for file in found if file.is_file() and file.stem != "README" and not file.name.startswith(".")]


def show() -> str:
    """Analyse the persona, unless its candidates are there already, and show them.

    Returns:
        The persona's user id.
    """
    with Client(USER) as client:
        kept = client.page(limit=1)["pagination"]["total"]
        if kept:
            say(f"The sample persona's {kept} trait candidates are there already: `echosphere traits --user {USER}`")
            return USER
        say(f"Analysing the sample persona ({len(files())} files in {FOLDER.relative_to(ROOT)}) ...")
        uploads = analysis.analyse(client, files(), LOCAL_SCOPES, str(Authorship.SELF))
        remember_user(USER)
        candidates = analysis.collect(client, uploads)
    out().print(candidates_table(candidates))
    for upload in uploads:
        say(analysis.in_words(upload))
    return USER
