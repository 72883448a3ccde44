"""Fetch the local models of the gpu queue into `ECHO_MODELS_DIR`: `make models` runs this.

Both are Apache-2.0, English, about 270 MB each. Any other text-classification model with safetensors weights does as
well: put its folder there under the same name.
"""

from __future__ import annotations

import sys

from huggingface_hub import snapshot_download

from config.settings import settings

#: Folder, repository and revision.
MODELS = (
    ("sentiment", "distilbert/distilbert-base-uncased-finetuned-sst-2-english", "714eb0f"),
    ("emotion", "bhadresh-savani/distilbert-base-uncased-emotion", "main"),
)
#: What a classifier needs; never pickled weights, never code.
FILES = ("config.json", "*.safetensors", "tokenizer*.json", "vocab.txt", "special_tokens_map.json", "merges.txt")


def main() -> int:
    """Fetch what is missing; 0 when all is there."""
    folder = settings().models_dir
    for name, repository, revision in MODELS:
        target = folder / name
        if (target / "config.json").exists() and any(target.glob("*.safetensors")):
            print(f"{name}: there already, in {target}")
            continue
        print(f"{name}: fetching {repository} ...")
        try:
            snapshot_download(repository, revision=revision, local_dir=target, allow_patterns=list(FILES))
        except Exception as error:  # noqa: BLE001 - many kinds of network failure, one thing to do
            print(
                f"{name}: could not be fetched ({type(error).__name__}). Is the model hub reachable from here? "
                "HF_ENDPOINT names a mirror; or copy a folder with config.json, tokenizer files and safetensors "
                f"weights to {target}",
                file=sys.stderr,
            )
            return 1
    print("Restart the fleet (Ctrl-C, make run) so that the gpu worker sees them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
