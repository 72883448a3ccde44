"""Real files with known truth, where they stand beside the checkout."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from app.analysis import Blob, Context, Result
from app.audio import decode
from app.errors import Refusal
from app.layers import TextLayer
from app.perception import documents, images
from app.perception.sniff import sniff
from app.vocabulary import DataType, ReasonCode, SegmentKind
from tests.unit.perception.perception_inputs import SAMPLES

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the sample files do not stand beside this checkout")


def read(name: str) -> Result:
    data = (SAMPLES / name).read_bytes()
    data_type, media_type = sniff(data[:8192])
    reader = images.ocr if data_type is DataType.IMAGE else documents.read
    return reader(Blob(data, media_type), Context())


def layer(name: str) -> TextLayer:
    return read(name).layers[0]


def truth(name: str) -> dict[str, Any]:
    entries = json.loads((SAMPLES / "MANIFEST.json").read_text())["entries"]
    found: dict[str, Any] = next(entry["truth"] for entry in entries if entry["path"] == name)
    return found


@pytest.mark.parametrize(
    "name",
    [
        *(
            "text/aurelius_meditations_1-8.txt",
            "text/franklin_autobiography_1-9.txt",
            "text/keller_letters_1887-1901.txt",
        ),
        *(
            "text/sullivan_about_keller.txt",
            "text/mtlynch_2017_taskrabbit_cooking.md",
            "text/mtlynch_2019_first_year.md",
        ),
    ],
)
def test_what_supports_a_trait_is_own_and_stands_where_the_file_has_it(name: str) -> None:
    read_layer = layer(name)
    for item in truth(name)["supported"]:
        start = item["char_offset"]
        end = start + len(item["quote"])
        assert read_layer.text[start:end] == item["quote"]
        assert read_layer.is_own(start, end)


def test_each_letter_has_its_date_and_the_editor_is_not_the_writer() -> None:
    name = "text/keller_letters_1887-1901.txt"
    read_layer = layer(name)
    (editor,) = truth(name)["must_not_attribute"]
    segment = read_layer.segment_at(editor["char_offset"])
    assert segment is not None
    assert segment.kind is SegmentKind.EDITORIAL
    own = [s for s in read_layer.segments if s.own]
    assert sum(s.date is not None for s in own) > 0.9 * len(own)
    assert {s.author for s in read_layer.segments} >= {"Dr. Brooks", "Dr. Holmes", "Whittier"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("text/empty.txt", ReasonCode.EMPTY),
        ("pdf/password_asdfzxcv.pdf", ReasonCode.NEEDS_PASSWORD),
        ("docx/password_protected.docx", ReasonCode.NEEDS_PASSWORD),
        ("docx/styles.odt", ReasonCode.UNSUPPORTED_TYPE),
        ("docx/outlook.msg", ReasonCode.UNSUPPORTED_TYPE),
        ("hostile/truncated.docx", ReasonCode.CORRUPT),
        ("hostile/pdf_REDHAT-1531897-0.pdf", ReasonCode.CORRUPT),
        ("hostile/pdf_Pages-tree-refs.pdf", ReasonCode.CORRUPT),
        ("hostile/bomb.gif", ReasonCode.LIMIT_EXCEEDED),
        ("hostile/truncated.jpg", ReasonCode.CORRUPT),
        ("hostile/png_text_dos.png", ReasonCode.CORRUPT),
    ],
)
def test_what_cannot_be_read_says_why(name: str, code: ReasonCode) -> None:
    with pytest.raises(Refusal) as caught:
        read(name)
    assert caught.value.reason.code is code


def own(name: str) -> str:
    read_layer = layer(name)
    return "\n".join(read_layer.text[start:end] for start, end in read_layer.own_spans())


def test_invisible_text_notes_and_form_values_are_not_own() -> None:
    assert "Invisible" not in own("pdf/invisible_text_layer.pdf")
    assert own("pdf/freetext_comment.pdf") == "FreeText"
    assert "my_school" not in own("pdf/form_filled_xfa.pdf")
    assert "School_Name: my_school" in layer("pdf/form_filled_xfa.pdf").text


def test_pages_are_kept() -> None:
    read_layer = layer("pdf/born_digital_5_pages.pdf")
    segment = read_layer.segment_at(read_layer.text.index("Christopher Latham Sholes"))
    assert segment is not None
    assert segment.page == 1
    assert read_layer.facts["pages"] == 5


def test_a_locked_attachment_is_said() -> None:
    reason = read("pdf/encrypted_attachment.pdf").reason
    assert reason is not None
    assert reason.code is ReasonCode.NEEDS_PASSWORD


RECORDINGS = {
    "ogg_vorbis_speech.ogg": ("vorbis", 44100, 2, 9),
    "voice_message_es.opus": ("opus", 48000, 1, 15),
    "stereo_counting.mp3": ("mp3float", 48000, 2, 6),
    "jfk.flac": ("flac", 44100, 2, 11),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings_are_decoded(name: str) -> None:
    track = decode((SAMPLES / "audio" / name).read_bytes(), max_seconds=60)
    assert (track.codec, track.rate, track.channels, round(track.duration_s)) == RECORDINGS[name]


needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")


@needs_tesseract
@pytest.mark.parametrize(
    "name", ["image/phototest.tif", "image/tyger_poem.jpg", "image/transparent_text.png", "pdf/scan_only.pdf"]
)
def test_printed_pictures_are_recognised_nearly_without_error(name: str) -> None:
    wanted = truth(name)["text"].split()
    found = layer(name).text.split()
    assert sum(word in found for word in wanted) >= 0.95 * len(wanted)


@needs_tesseract
def test_a_photograph_without_text_has_none() -> None:
    with pytest.raises(Refusal) as caught:
        read("image/cat_no_text.png")
    assert caught.value.reason.code is ReasonCode.NO_TEXT
