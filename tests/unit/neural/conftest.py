"""Tiny real models, trained here in a second: they know glad and sad words, and nothing else."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

GLAD = ("glad", "happy", "delighted", "joyful")
SAD = ("sad", "gloomy", "grieving", "miserable")
PLAIN = [
    *("i", "we", "the", "a", "my", "in", "on", "at", "to", "and", "of", "with", "was", "went", "walked", "bought"),
    *("read", "wrote", "made", "saw", "bread", "river", "train", "garden", "book", "table", "morning", "evening"),
    *("town", "letter", "road", "house", "window", "rain", "friend", "today", "very", "much", "about", "it", "again"),
    *("is", "that", "for", "from", ".", ",", "!"),
]
LABELS = ("neutral", "joy", "sadness")


@pytest.fixture(scope="session")
def neural() -> None:
    """Skips where torch is not installed on somebody's own machine; on the build machine it must be there."""
    if find_spec("torch") and find_spec("transformers"):
        return
    if os.environ.get("CI"):
        pytest.fail("torch and transformers are missing: `make models` installs them")
    pytest.skip("needs torch and transformers: `make models` installs them")


def _tokenizer(words: list[str], longest: int) -> PreTrainedTokenizerBase:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    bare = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*marks, *words])}, unk_token=marks[1]))
    bare.normalizer = normalizers.Lowercase()
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    bare.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), marks, strict=True))
    made: PreTrainedTokenizerBase = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # as the library has it
        tokenizer_object=bare, model_max_length=longest, **names
    )
    return made


def make_model(folder: Path, *, longest: int = 32, labels: tuple[str, ...] = LABELS) -> Path:
    """Train a DistilBERT of two layers on made-up sentences and save it as a folder."""
    import torch
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    torch.manual_seed(0)
    tokenizer = _tokenizer([*PLAIN, *GLAD, *SAD], longest)
    config = DistilBertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=longest, dim=32, n_layers=2, n_heads=2, hidden_dim=64,
        pad_token_id=0, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
    )  # fmt: skip
    model = DistilBertForSequenceClassification(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        words = torch.randint(4, 4 + len(PLAIN), (48, 12))
        wanted = torch.arange(48) % 3
        at = torch.randint(0, 12, (48,))
        for label, first in ((1, 4 + len(PLAIN)), (2, 4 + len(PLAIN) + len(GLAD))):
            rows = (wanted == label).nonzero().flatten()
            words[rows, at[rows]] = torch.randint(first, first + len(GLAD), (len(rows),))
        ends = (torch.full((48, 1), 2), words, torch.full((48, 1), 3))
        loss = model(input_ids=torch.cat(ends, dim=1), labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.train(mode=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def emotion_model(neural: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "emotion")
