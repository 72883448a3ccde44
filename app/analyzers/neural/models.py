"""The local models of the gpu queue: which there are, which are installed, and how they are fetched.

Any text-classification model with safetensors weights may also be copied by hand: one folder per name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

#: What a model needs; weights in other formats are not fetched, since they can hold code.
FILES = ["config.json", "tokenizer*.json", "special_tokens_map.json", "vocab.*", "merges.txt", "*.safetensors"]
#: Where a fetched model's folder says which revision of its repository it is.
REVISION = "revision"
#: What a fetched model may be called: its folder is replaced, and must be no other than one of the models'.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: Ending of the folder of a model that is not whole yet.
PART = ".part"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A default model, or one that somebody put there.

    Attributes:
        name: of its folder.
        model: None for one that is no default.
        present: whether it can be loaded.
        revision: of the repository, where it was fetched; None where that is not known.
        size: bytes on disk; 0 where it is not present.
    """

    name: str
    model: Model | None
    present: bool
    revision: str | None
    size: int


def installed(folder: Path) -> bool:
    """Whether a folder holds a model that can be loaded."""
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def local(place: Path) -> list[Local]:
    """The default models, and what else is installed.

    Args:
        place: folder of all models.
    """
    found = sorted(place.iterdir()) if place.is_dir() else []
    whole = [folder for folder in found if folder.suffix != PART and installed(folder)]
    others = [folder.name for folder in whole if folder.name not in DEFAULTS]
    return [_local(name, place / name) for name in (*DEFAULTS, *others)]


def _local(name: str, folder: Path) -> Local:
    present = installed(folder)
    noted = folder / REVISION
    return Local(
        name=name,
        model=DEFAULTS.get(name),
        present=present,
        revision=noted.read_text(encoding="utf-8").strip() or None if present and noted.is_file() else None,
        size=sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) if present else 0,
    )


def pull(wanted: Sequence[str], place: Path, say: Callable[[str], object]) -> list[str]:
    """Fetch models that are not there yet.

    Args:
        wanted: names, or name=repository; empty for all defaults.
        place: folder of all models.
        say: takes a line on what is done.

    Returns:
        One sentence per model that could not be fetched.
    """
    problems = []
    for item in wanted or [*DEFAULTS]:
        name, _, repository = item.partition("=")
        if not NAME.fullmatch(name):
            problems.append(
                f"a model cannot be named {name!r}: use lower-case letters, digits, `_` and `-`, 64 at most, the first "
                "a letter or digit"
            )
            continue
        if not repository and name not in DEFAULTS:
            problems.append(f"no default model is named {name!r}: use {' or '.join(DEFAULTS)}, or NAME=REPOSITORY")
            continue
        if not repository and installed(place / name):
            say(f"{name}: installed in {place / name}")
            continue
        say(f"{name}: fetching {repository or DEFAULTS[name].repository}")
        place.mkdir(parents=True, exist_ok=True)
        if problem := fetch(repository or DEFAULTS[name].repository, place / name):
            problems.append(problem)
        else:
            say(f"{name}: installed in {place / name}")
    return problems


def fetch(repository: str, folder: Path) -> str | None:
    """Download a model beside its place and put it there when it is whole.

    Returns:
        What went wrong, as a sentence; None where all is well.
    """
    if find_spec("huggingface_hub") is None:
        return "huggingface_hub is not installed: run `make models`"
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only the neural extra brings it

    # What is left of another repository's download is no part of this one.
    part = folder.with_name(f"{folder.name}.{sha256(repository.encode()).hexdigest()[:8]}{PART}")
    try:
        snapshot_download(repository, local_dir=part, allow_patterns=FILES)
    except Exception as error:  # noqa: BLE001 - the hub's client raises its own, its transport's and the system's errors
        return (
            f"{repository} could not be fetched ({type(error).__name__}): is the machine online, and may it reach the "
            f"Hugging Face hub? Otherwise copy the model into {folder} by hand"
        )
    if not installed(part):
        return f"{repository} has no safetensors weights; choose another model"
    _note_revision(part)
    shutil.rmtree(part / ".cache", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return None


def _note_revision(folder: Path) -> None:
    """Keep the commit, which the hub's client notes in the first line of what it knows of each file."""
    noted = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    if noted.is_file():
        (folder / REVISION).write_text(f"{noted.read_text(encoding='utf-8').partition(chr(10))[0]}\n", encoding="utf-8")
