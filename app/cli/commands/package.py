"""`echosphere text` and `echosphere features`: operators' commands, which look up the owner of a package."""

from __future__ import annotations

import sys
from uuid import UUID

import click

from app.cli.console import emit, out
from app.cli.options import as_json, quiet_logging
from app.services import access, packages
from app.vocabulary import AccessAction


@click.command()
@click.argument("package", type=click.UUID)
@click.option(
    "--layer", type=click.UUID, help="Which text layer; without it, the one with most of the person's own words."
)
def text(package: UUID, layer: UUID | None) -> None:
    """Print the text layer of PACKAGE exactly as it is, with nothing added."""
    quiet_logging()
    owner = packages.owner_of(package)
    words = packages.layer_text(owner, package, layer)
    access.record(None, owner, access.OPERATOR, AccessAction.READ_TEXT, "text", package)
    # As bytes: a text stream would translate line ends, and evidence is located by code points of exactly this text.
    sys.stdout.buffer.write(words.encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()


@click.command()
@click.argument("package", type=click.UUID)
@as_json
def features(package: UUID, *, as_json: bool) -> None:
    """Print the raw features of PACKAGE."""
    quiet_logging()
    owner = packages.owner_of(package)
    documents = packages.features(owner, package)
    access.record(None, owner, access.OPERATOR, AccessAction.READ_FEATURES, "features", package)
    if as_json:
        emit({"data": documents})
        return
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    table = Table("Analyzer", "Modality", "Status", "ms", "Features")
    for document in documents:
        table.add_row(
            document["modelNameOrType"],
            str(document["modality"]),
            str(document["status"]),
            str(document["processingTimeMs"]),
            ", ".join(sorted(document["extractedFeatures"] or {})),
        )
    out().print(table)
