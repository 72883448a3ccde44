"""Fetch the local models of the gpu queue into `ECHO_MODELS_DIR`.

    python scripts/models.py pull             all default models
    python scripts/models.py pull emotion     one of them
    python scripts/models.py pull emotion=ORGANISATION/MODEL   another model from the hub under that name
    python scripts/models.py list             what there is, and what is installed

Any text-classification model with safetensors weights may also be copied by hand: one folder per name.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.settings import settings

#: What a model needs; weights in other formats are not fetched, since they can hold code.
FILES = ["config.json", "tokenizer*.json", "special_tokens_map.json", "vocab.*", "merges.txt", "*.safetensors"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that we have looked at.

    Attributes:
        repository: its id on the Hugging Face hub.
        licence: SPDX id.
        use: what it tells.
    """

    repository: str
    licence: str
    use: str


#: By the name of their folder, which is `AnalyzerRow.model`.
DEFAULTS = {
    "sentiment": Model(
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english", "Apache-2.0", "positive or negative, English"
    ),
    "emotion": Model("SamLowe/roberta-base-go_emotions", "MIT", "27 emotions and neutral, English"),
}


def installed(folder: Path) -> bool:
    """Whether a folder holds a model that can be loaded."""
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def fetch(repository: str, folder: Path) -> str | None:
    """Download a model beside its place and put it there when it is whole.

    Returns:
        What went wrong, as a sentence; None where all is well.
    """
    if find_spec("huggingface_hub") is None:
        return "huggingface_hub is not installed: run `make models`"
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only the neural extra brings it

    part = folder.with_name(f"{folder.name}.part")
    try:
        snapshot_download(repository, local_dir=part, allow_patterns=FILES)
    except Exception as error:  # noqa: BLE001 - the hub's client raises its own, its transport's and the system's errors
        return (
            f"{repository} could not be fetched ({type(error).__name__}): is the machine online, and may it reach the "
            f"Hugging Face hub? Otherwise copy the model into {folder} by hand"
        )
    if not installed(part):
        return f"{repository} has no safetensors weights; choose another model"
    shutil.rmtree(part / ".cache", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return None


def pull(wanted: list[str], place: Path) -> list[str]:
    """Fetch models that are not there yet.

    Args:
        wanted: names, or name=repository.
        place: folder of all models.

    Returns:
        One sentence per model that could not be fetched.
    """
    problems = []
    for item in wanted or [*DEFAULTS]:
        name, _, repository = item.partition("=")
        if not repository and name not in DEFAULTS:
            problems.append(f"no default model is named {name!r}: use {' or '.join(DEFAULTS)}, or NAME=REPOSITORY")
            continue
        if not repository and installed(place / name):
            print(f"{name}: installed in {place / name}")
            continue
        print(f"{name}: fetching {repository or DEFAULTS[name].repository}")
        place.mkdir(parents=True, exist_ok=True)
        if problem := fetch(repository or DEFAULTS[name].repository, place / name):
            problems.append(problem)
        else:
            print(f"{name}: installed in {place / name}")
    return problems


def show(place: Path) -> None:
    """Print the default models, and what else is installed."""
    for name, model in DEFAULTS.items():
        state = "installed" if installed(place / name) else "not installed"
        print(f"{name:12} {state:14} {model.licence:11} {model.use}  ({model.repository})")
    for folder in sorted(place.iterdir()) if place.is_dir() else []:
        if folder.name not in DEFAULTS and installed(folder):
            print(f"{folder.name:12} installed")


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 1 where a model is missing afterwards, 0 otherwise and always with --optional.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    puller = commands.add_parser("pull", help="fetch models that are not there yet")
    puller.add_argument("models", nargs="*", metavar="NAME[=REPOSITORY]")
    puller.add_argument("--optional", action="store_true", help="a model that cannot be fetched is no error")
    commands.add_parser("list", help="what there is, and what is installed")
    chosen = parser.parse_args(arguments)
    place = settings().models_dir
    if chosen.command == "list":
        show(place)
        return 0
    problems = pull(chosen.models, place)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems and chosen.optional:
        print("Without them their analyzers are skipped and say so; everything else works.", file=sys.stderr)
    return int(bool(problems) and not chosen.optional)


if __name__ == "__main__":
    sys.exit(main())
