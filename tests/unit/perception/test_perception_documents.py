from __future__ import annotations

import json

import docx
import pytest

from app.analysis import Blob, Context, Result
from app.errors import Refusal
from app.perception import documents
from app.perception.sniff import sniff
from app.vocabulary import FeatureStatus, ReasonCode
from tests.unit.perception.perception_inputs import Pdf, docx_of

SENTENCE = "I walked along the river until the lamps were lit."


def read(data: bytes) -> Result:
    return documents.read(Blob(data, sniff(data[:8192])[1]), Context())


def refused(data: bytes, media_type: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        documents.read(Blob(data, media_type), Context())
    return caught.value


def word() -> bytes:
    document = docx.Document()
    document.add_paragraph(SENTENCE)
    return docx_of(document)


INPUTS = {
    "plain": SENTENCE.encode(),
    "markdown": f"---\ntitle: x\n---\n\n{SENTENCE}\n".encode(),
    "html": f"<html><body><p>{SENTENCE}</p></body></html>".encode(),
    "mail": f"From: a@b.example\nTo: c@d.example\nSubject: walk\n\n{SENTENCE}\n".encode(),
    "pdf": Pdf().page([(SENTENCE, 72, 700, 12)]).bytes(),
    "docx": word(),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_every_format_becomes_one_layer_in_which_the_sentence_is_own(kind: str) -> None:
    result = read(INPUTS[kind])
    (layer,) = result.layers
    assert [layer.text[start:end] for start, end in layer.own_spans()] == [SENTENCE]
    assert layer.language == "en"
    assert result.status is FeatureStatus.SUCCESS
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result


@pytest.mark.parametrize("kind", INPUTS)
def test_features_are_counts_and_hold_no_words(kind: str) -> None:
    features = read(INPUTS[kind]).features
    assert features["own_characters"] == len(SENTENCE)
    assert features["characters"] >= len(SENTENCE)
    assert "river" not in json.dumps(features)


def test_an_empty_file_is_empty() -> None:
    assert refused(b"", "text/plain").reason.code is ReasonCode.EMPTY


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b" \n\n\t ", "text/plain"),
        (b"<html><body><script>x</script></body></html>", "text/html"),
        (docx_of(docx.Document()), ""),
    ],
)
def test_a_file_without_words_has_no_text(data: bytes, media_type: str) -> None:
    assert refused(data, media_type or sniff(data)[1]).reason.code is ReasonCode.NO_TEXT


def test_a_type_without_a_reader_is_unsupported() -> None:
    error = refused(b"x", "application/zip")
    assert error.reason.code is ReasonCode.UNSUPPORTED_TYPE
    assert error.details == {"media_type": "application/zip"}


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 1000)
    error = refused(SENTENCE.encode() * 30, "text/plain")
    assert error.reason.code is ReasonCode.LIMIT_EXCEEDED
    assert error.details == {"characters": len(SENTENCE) * 30, "max_characters": 1000}


def test_a_partial_reading_says_why() -> None:
    data = Pdf().page([(SENTENCE, 72, 700, 12)]).bytes() + b"\n% /EFF /StdCF\n"
    result = read(data)
    assert result.status is FeatureStatus.PARTIAL
    assert result.reason is not None
    assert result.reason.code is ReasonCode.NEEDS_PASSWORD


def test_broken_characters_are_counted_and_cross_json() -> None:
    data = "\ufeff" + f"{SENTENCE} \ud800 "
    result = documents.read(Blob(data.encode("utf-16-le", "surrogatepass"), "text/plain"), Context())
    assert result.layers[0].facts == {"encoding": "utf-16-le", "repaired_bytes": 1}
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result
