"""Sentence classification by a local Hugging Face model: sentiment, emotion, or whatever labels the model has.

The model is a folder on disk with safetensors weights. Nothing is downloaded, no code from the folder is run, and it
is loaded once per process. What it says about single sentences is stored as shares, scores and locators; whether that
means anything about the person is for the rules to decide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.analysis import Context, Result
from app.errors import Refusal
from app.layers import TextLayer
from app.prose import Sentence, prose_of
from app.vocabulary import ReasonCode

#: Sentences read of one text at most, evenly over it: enough for shares within 4 %, and seconds on a processor.
MAX_SENTENCES = 600
#: Own words below which nothing is read (traits.md section 1).
MIN_WORDS = 100
#: Tokens of one window at most; few of these models were trained on longer texts.
MAX_TOKENS = 512
#: Byte-level tokenizers make up to four tokens of a rare character.
MAX_TOKENS_PER_CHARACTER = 4
#: Windows in one batch.
BATCH = 16
#: Parts of the text in which a label may be seen, to tell a lasting tone from one bad day.
PARTS = 10
#: Locators kept per label.
MAX_LOCATORS = 5
#: Models kept in memory.
MAX_MODELS = 4

Scores = dict[str, float]


def analyse(layer: TextLayer, context: Context) -> Result:
    """Classify the person's own sentences.

    Args:
        layer: a text layer.
        context: options "model": folder of the model; "task": what it is called in the features; "languages": ISO
            639-1 codes that it reads, ["en"] by default, empty for all; "max_sentences".

    Returns:
        Features: `task`, `labels`, `sentences` {own, read}, `ownWords`, `distribution` (mean score by label),
        `counts` (sentences by their first label), `meanTopScore` and `parts` (tenths of the text it is seen in) by
        label, `best` (locators with scores).

    Raises:
        Refusal: model_missing, too_little_own_text, or unsupported_type for a language that the model does not read.
    """
    options = context.options
    languages = options.get("languages", ["en"])
    if languages and layer.language not in {*languages, None}:
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            f"The model reads {', '.join(languages)} only; the text is in another language.",
            language=layer.language,
        )
    prose = prose_of(layer)
    if prose.own_word_count < MIN_WORDS:
        raise Refusal(
            ReasonCode.TOO_LITTLE_OWN_TEXT, f"Fewer than {MIN_WORDS} own words.", ownWords=prose.own_word_count
        )
    classifier = load(str(options.get("model", "")), str(options.get("task", "model")))
    own = [sentence for sentence in prose.sentences if sentence.words and not sentence.quoted]
    read = _evenly(own, int(options.get("max_sentences", MAX_SENTENCES)))
    scores = classifier.scores([layer.text[s.start : s.end] for s in read])
    features = {
        "task": options.get("task"),
        "labels": classifier.labels,
        "sentences": {"own": len(own), "read": len(read)},
        "ownWords": prose.own_word_count,
        **_summary(layer, read, scores, classifier.labels),
    }
    return Result(features, model=classifier.name)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A loaded model.

    Attributes:
        pipeline: the Hugging Face text-classification pipeline.
        labels: in the model's order.
        name: what is recorded as `modelNameOrType`.
        window: tokens of text that fit beside the model's own marks.
        batch: windows read at once; 1 where the tokenizer cannot pad.
    """

    pipeline: Any
    labels: list[str]
    name: str
    window: int
    batch: int

    def scores(self, texts: list[str]) -> list[Scores]:
        """Score of every label for every text; a text longer than the model reads is the mean of its windows."""
        windows = [(index, window) for index, text in enumerate(texts) for window in self._windows(text)]
        # Neighbours of equal length need no padding, which is most of the time on a processor.
        windows.sort(key=lambda w: len(w[1]))
        answers = self.pipeline(
            [window for _, window in windows],
            batch_size=self.batch,
            top_k=None,
            truncation=True,
            max_length=self.window + self.pipeline.tokenizer.num_special_tokens_to_add(),
        )
        sums: list[Scores] = [dict.fromkeys(self.labels, 0.0) for _ in texts]
        weights = [0] * len(texts)
        for (index, window), answer in zip(windows, answers, strict=True):
            weights[index] += len(window)
            for row in answer:
                sums[index][row["label"]] += len(window) * row["score"]
        return [{k: v / w for k, v in row.items()} for row, w in zip(sums, weights, strict=True)]

    def _windows(self, text: str) -> list[str]:
        if len(text) * MAX_TOKENS_PER_CHARACTER <= self.window:
            return [text]
        tokenizer = self.pipeline.tokenizer
        if not tokenizer.is_fast:  # without offsets the rest is cut off
            return [text]
        marked = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        offsets = marked["offset_mapping"]
        pieces = [offsets[i : i + self.window] for i in range(0, len(offsets), self.window)]
        return [text[piece[0][0] : piece[-1][1]] for piece in pieces] or [text]


@lru_cache(maxsize=MAX_MODELS)
def load(folder: str, task: str) -> Classifier:
    """Load a model, once per process.

    Args:
        folder: with config.json, tokenizer files and safetensors weights.
        task: its name, for the message.

    Raises:
        Refusal: model_missing: torch or the folder is missing, or what is in it cannot be loaded safely.
    """
    path = Path(folder)
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise _missing(task, "torch and transformers are not installed: run `make models`")
    if not (path / "config.json").is_file():
        raise _missing(task, f"there is no model in its folder: run `make models`, or put one there as {task!r}")
    if not any(path.glob("*.safetensors")):
        raise _missing(task, "its weights are not in safetensors format: convert them, or run `make models`")
    transformers: Any = import_module("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True, **local)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
    except (OSError, ValueError, KeyError, ImportError, import_module("safetensors").SafetensorError) as error:
        raise _missing(task, f"its folder cannot be loaded ({type(error).__name__}): run `make models`") from error
    return _classifier(model, tokenizer, task)


def _classifier(model: Any, tokenizer: Any, task: str) -> Classifier:  # noqa: ANN401 - untyped library objects
    cuda = import_module("torch").cuda.is_available()
    pipe = import_module("transformers").pipeline(
        "text-classification", model=model, tokenizer=tokenizer, device="cuda" if cuda else "cpu"
    )
    longest = min(MAX_TOKENS, tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", MAX_TOKENS))
    labels = model.config.id2label
    return Classifier(
        pipeline=pipe,
        labels=[str(labels[index]) for index in sorted(labels)],
        name=f"{task} ({model.config.model_type})",
        window=longest - tokenizer.num_special_tokens_to_add(),
        batch=BATCH if tokenizer.pad_token is not None else 1,
    )


def _missing(task: str, why: str) -> Refusal:
    return Refusal(ReasonCode.MODEL_MISSING, f"The local model {task!r} cannot run: {why}.", model=task)


def _evenly(sentences: list[Sentence], most: int) -> list[Sentence]:
    """All sentences, or `most` of them spread over the text."""
    if len(sentences) <= most:
        return sentences
    return [sentences[index * len(sentences) // most] for index in range(most)]


def _summary(layer: TextLayer, read: list[Sentence], scores: list[Scores], labels: list[str]) -> dict[str, Any]:
    """Shares, spread and best instances by label."""
    tops = [max(row, key=lambda label: row[label]) for row in scores]
    by_label: dict[str, list[int]] = {label: [i for i, top in enumerate(tops) if top == label] for label in labels}
    parts = [index * PARTS // len(read) for index in range(len(read))]
    counts = Counter(tops)
    return {
        "distribution": {k: round(sum(row[k] for row in scores) / len(scores), 4) for k in labels},
        "counts": {label: counts[label] for label in labels},
        "meanTopScore": {k: round(sum(scores[i][k] for i in at) / len(at), 4) for k, at in by_label.items() if at},
        "parts": {label: len({parts[i] for i in at}) for label, at in by_label.items()},
        "best": {
            label: [
                {"span": layer.span(read[i].start, read[i].end, label).as_json(), "score": round(scores[i][label], 4)}
                for i in _best(at, [row[label] for row in scores], parts)
            ]
            for label, at in by_label.items()
        },
    }


def _best(at: list[int], scores: list[float], parts: list[int]) -> list[int]:
    """The surest instances, from as many parts of the text as there are, in the order of the text."""
    surest = sorted(at, key=lambda i: -scores[i])
    first = {parts[i]: i for i in reversed(surest)}
    spread = sorted(first.values(), key=lambda i: -scores[i])
    others = [i for i in surest if i not in set(spread)]
    return sorted([*spread, *others][:MAX_LOCATORS])
