from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Context
from app.analyzers.neural import classify
from app.errors import Refusal
from app.layers import Span, TextLayer, join
from app.traits.rules_models import signals
from app.traits.signals import Measured
from app.vocabulary import ReasonCode, SegmentKind

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("neural")]

PLAIN = "We walked to the river and bought bread at the town."
GLAD = "I was very happy about the letter from my friend!"
SAD = "It was a miserable evening and the rain was gloomy."


def layer(*paragraphs: str, language: str | None = "en", kinds: dict[int, SegmentKind] | None = None) -> TextLayer:
    kinds = kinds or {}
    text, segments = join((p, kinds.get(i, SegmentKind.PARAGRAPH), {}) for i, p in enumerate(paragraphs))
    return TextLayer(text, language=language, segments=segments)


def classified(text: TextLayer, folder: Path, **options: object) -> dict[str, Any]:
    context = Context(options={"model": str(folder), "task": "emotion", **options})
    return classify.analyse(text, context).features


def refused(text: TextLayer, folder: Path, **options: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        classified(text, folder, **options)
    return caught.value


def test_every_label_is_found_where_it_is_and_proven_by_its_sentence(emotion_model: Path) -> None:
    text = layer(*[f"{PLAIN} {GLAD}", f"{SAD} {PLAIN}"] * 4)
    features = classified(text, emotion_model)

    assert features["counts"] == {"neutral": 8, "joy": 4, "sadness": 4}
    assert sum(features["distribution"].values()) == pytest.approx(1, abs=0.001)
    for label, sentence in (("joy", GLAD), ("sadness", SAD)):
        spans = [Span.from_json(best["span"]) for best in features["best"][label]]
        assert [text.text[s.start : s.end] for s in spans] == [sentence] * 4
        assert all(text.proves(s) and s.label == label for s in spans)


def test_features_hold_no_passage(emotion_model: Path) -> None:
    result = classify.analyse(
        layer(*[f"{PLAIN} {GLAD} {SAD}"] * 5), Context(options={"model": str(emotion_model), "task": "emotion"})
    )
    stored = json.dumps(result.as_json())

    assert not any(word in stored for word in ("river", "happy", "miserable", str(emotion_model)))
    assert result.model == "emotion (distilbert)"


def test_only_the_persons_own_sentences_are_read(emotion_model: Path) -> None:
    text = layer(
        *[PLAIN] * 12,
        SAD,
        f"“{SAD}”",
        kinds={12: SegmentKind.QUOTATION},
    )
    features = classified(text, emotion_model)

    assert features["counts"] == {"neutral": 12, "joy": 0, "sadness": 0}
    assert features["sentences"] == {"own": 12, "read": 12}


def test_a_sentence_longer_than_the_model_reads_is_read_in_windows(emotion_model: Path) -> None:
    # 32 tokens fit; the glad words stand far behind that.
    long = "I went to the town " + "and saw the river and the road " * 9 + "and was happy and glad and delighted today."
    features = classified(layer(*[PLAIN] * 10, long), emotion_model, max_sentences=600)
    scored = classify.load(str(emotion_model), "emotion").scores([long, long[:100]])

    assert features["sentences"]["read"] == 11
    assert scored[0]["joy"] > scored[1]["joy"] + 0.1
    assert sum(scored[0].values()) == pytest.approx(1, abs=1e-5)


def test_batches_give_what_single_sentences_give(emotion_model: Path) -> None:
    classifier = classify.load(str(emotion_model), "emotion")
    texts = [f"{PLAIN[:n]} {GLAD}" for n in range(1, 40)]
    together = classifier.scores(texts)

    for text, row in zip(texts, together, strict=True):
        assert row == pytest.approx(classifier.scores([text])[0], abs=1e-4)


def test_a_long_text_is_sampled_evenly(emotion_model: Path) -> None:
    text = layer(*[PLAIN] * 150, *[GLAD] * 150)
    features = classified(text, emotion_model, max_sentences=40)

    assert features["sentences"] == {"own": 300, "read": 40}
    assert features["counts"] == {"neutral": 20, "joy": 20, "sadness": 0}
    assert features["parts"] == {"neutral": 5, "joy": 5, "sadness": 0}
    assert len(features["best"]["joy"]) == classify.MAX_LOCATORS


def test_best_instances_are_spread_over_the_text(emotion_model: Path) -> None:
    text = layer(*[GLAD if i % 4 == 0 else PLAIN for i in range(100)])
    starts = [best["span"]["start"] for best in classified(text, emotion_model)["best"]["joy"]]
    tenth = len(text.text) / 10

    assert len({int(start / tenth) for start in starts}) == classify.MAX_LOCATORS


def test_the_model_is_loaded_once_and_opens_no_connection(emotion_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    classify.load.cache_clear()
    for _ in range(3):
        classified(layer(*[PLAIN] * 12), emotion_model)

    assert classify.load.cache_info().misses == 1


def test_a_missing_folder_says_how_to_get_the_model(tmp_path: Path) -> None:
    refusal = refused(layer(*[PLAIN] * 12), tmp_path / "emotion")

    assert refusal.reason.code is ReasonCode.MODEL_MISSING
    assert "make models" in refusal.message
    assert str(tmp_path) not in refusal.message


def test_pickled_weights_are_refused(emotion_model: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((emotion_model / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"anything")
    refusal = refused(layer(*[PLAIN] * 12), tmp_path)

    assert refusal.reason.code is ReasonCode.MODEL_MISSING
    assert "safetensors" in refusal.message


def test_code_beside_a_model_is_not_run(emotion_model: Path, tmp_path: Path) -> None:
    for file in emotion_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "home_made", "auto_map": {"AutoConfig": "own.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\n")

    assert refused(layer(*[PLAIN] * 12), tmp_path).reason.code is ReasonCode.MODEL_MISSING
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_model_is_a_missing_one(emotion_model: Path, tmp_path: Path, damaged: str) -> None:
    for file in emotion_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / damaged).write_bytes(b"{")

    assert refused(layer(*[PLAIN] * 12), tmp_path).reason.code is ReasonCode.MODEL_MISSING


def test_another_language_is_not_read(emotion_model: Path) -> None:
    text = layer(*[PLAIN] * 12, language="de")

    assert refused(text, emotion_model).reason.code is ReasonCode.UNSUPPORTED_TYPE
    assert classified(text, emotion_model, languages=["en", "de"])["sentences"]["read"] == 12


def test_too_little_text_is_not_read(emotion_model: Path) -> None:
    assert refused(layer(PLAIN), emotion_model).reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


def test_what_the_model_finds_all_over_a_text_becomes_a_cautious_claim(emotion_model: Path) -> None:
    text = layer(*[GLAD if i % 3 == 0 else PLAIN for i in range(90)])
    features = classified(text, emotion_model)
    claims = list(signals(Measured("text.emotion_model", uuid4(), features, text)))

    assert [c.name for c in claims] == ["Expresses joy in many places"]
    assert "30 of 90 sentences: 33% (95 % interval 24%-44%), seen in 10 of 10 parts" in claims[0].description
    assert all(text.proves(s) for s in claims[0].evidence)
