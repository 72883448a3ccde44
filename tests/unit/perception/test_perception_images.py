from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.analysis import Blob, Context, Result
from app.errors import Refusal
from app.perception import images, recognise
from app.vocabulary import FeatureStatus, ReasonCode, SegmentKind
from tests.unit.perception.perception_inputs import picture, png

LINES = ["We walked along the river", "until the lamps were lit"]
WORDS = " ".join(LINES).split()

needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")


def ocr(data: bytes) -> Result:
    return images.ocr(Blob(data, "image/png"), Context())


def refused(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ocr(data)
    return caught.value


@needs_tesseract
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
def test_every_format_is_read(form: str) -> None:
    assert ocr(png(picture(LINES), form)).layers[0].text.split() == WORDS


@needs_tesseract
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16", "I", "F"])
def test_every_kind_of_pixel_is_read(mode: str) -> None:
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(picture(LINES, mode="L"))
        image = Image.fromarray(
            (grey.astype(np.uint16) * 200) if mode == "I;16" else grey.astype(np.int32 if mode == "I" else np.float32)
        )
    else:
        image = picture(LINES, mode=mode)
    assert ocr(png(image, "TIFF")).layers[0].text.split() == WORDS


@needs_tesseract
def test_black_on_transparent_is_read_on_white() -> None:
    black = Image.new("RGBA", picture(LINES).size, (0, 0, 0, 0))
    black.putalpha(picture(LINES, mode="L").point(lambda value: 255 - value))
    assert ocr(png(black)).layers[0].text.split() == WORDS


@needs_tesseract
def test_a_turned_photograph_is_read_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    turned = picture(LINES).rotate(90, expand=True)
    assert ocr(png(turned, "JPEG", exif=exif)).layers[0].text.split() == WORDS


@needs_tesseract
def test_the_place_of_a_photograph_is_dropped() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (12.0, 32.0, 35.5)})
    exif[0x010E] = "a description"
    result = ocr(png(picture(LINES), "JPEG", exif=exif))
    assert set(result.features) == {
        *("media_type", "language", "characters", "own_characters", "headings", "segments", "other_authors"),
        *("pages", "mean_confidence"),
    }


@needs_tesseract
def test_words_have_boxes_and_confidences_where_they_stand() -> None:
    (layer,) = ocr(png(picture(LINES))).layers
    assert layer.kind == "ocr"
    assert [layer.text[start:end] for start, end, *_ in layer.words] == WORDS
    size = picture(LINES).size
    for _, _, page, (left, top, right, bottom), sure in layer.words:
        assert page == 1
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert 0.5 < sure <= 1
    first, last = layer.words[0][3], layer.words[-1][3]
    assert first[3] < last[1]
    assert layer.segments[0].confidence == pytest.approx(0.95, abs=0.1)


@needs_tesseract
def test_the_frames_of_a_tiff_are_pages() -> None:
    data = png(picture(LINES[:1]), "TIFF", save_all=True, append_images=[picture(LINES[1:])])
    (layer,) = ocr(data).layers
    assert [(s.page, layer.text[s.start : s.end]) for s in layer.segments] == [(1, LINES[0]), (2, LINES[1])]


@needs_tesseract
def test_pages_beyond_the_limit_are_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_OCR_PAGES", 1)
    result = ocr(png(picture(LINES), "TIFF", save_all=True, append_images=[picture(LINES)]))
    assert result.status is FeatureStatus.PARTIAL
    assert result.reason is not None
    assert result.reason.details == {"left_out": 1}


@needs_tesseract
def test_a_poem_is_verse() -> None:
    stanza = [
        *("The lamps are lit along the quay,", "The boats come in from the open sea,"),
        *("And I who waited all the day", "Shall hear at last what sailors say."),
    ]
    (layer,) = ocr(png(picture(stanza))).layers
    assert {s.kind for s in layer.segments} == {SegmentKind.VERSE}


@needs_tesseract
@pytest.mark.parametrize("texture", ["noise", "plain", "shapes"])
def test_a_picture_without_words_has_no_text(texture: str) -> None:
    random = np.random.default_rng(1)
    pixels = {
        "noise": random.integers(0, 255, (300, 400), np.uint8),
        "plain": np.full((300, 400), 200, np.uint8),
        "shapes": np.kron(random.integers(0, 2, (12, 16), np.uint8) * 255, np.ones((25, 25), np.uint8)),
    }[texture]
    assert refused(png(Image.fromarray(pixels))).reason.code is ReasonCode.NO_TEXT


def test_an_empty_file_is_empty() -> None:
    assert refused(b"").reason.code is ReasonCode.EMPTY


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(40), png(picture(LINES), "JPEG")[:2000], b"GIF89a" + bytes(20), b"no picture"]
)
def test_a_damaged_picture_is_corrupt(data: bytes) -> None:
    assert refused(data).reason.code is ReasonCode.CORRUPT


def test_a_picture_of_many_pixels_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("1", (8000, 8000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    assert refused(out.getvalue()).reason.code is ReasonCode.LIMIT_EXCEEDED


def test_formats_that_nobody_asked_for_stay_closed() -> None:
    assert refused(png(picture(LINES), "BMP")).reason.code is ReasonCode.CORRUPT


def program(folder: Path, script: str) -> None:
    """A Tesseract of our own that misbehaves."""
    path = folder / "tesseract"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --list-langs ]; then printf "List (1):\\neng\\n"; exit 0; fi\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


@pytest.mark.parametrize(
    ("script", "code"),
    [("exec tail -f /dev/null", ReasonCode.TIMED_OUT), ("echo the words of the page >&2; exit 3", ReasonCode.CORRUPT)],
)
def test_a_hanging_or_failing_tesseract_is_a_reason_and_leaves_nothing(
    script: str, code: ReasonCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(recognise, "PAGE_SECONDS", 1)
    recognise.languages.cache_clear()
    before = tempfile.tempdir
    try:
        error = refused(png(picture(LINES)))
    finally:
        recognise.languages.cache_clear()
    assert error.reason.code is code
    assert "words of the page" not in str(error.reason.as_json())
    assert tempfile.tempdir == before
    assert not [*recognise.MEMORY_FOLDER.glob(f"echosphere-page-{os.getpid()}*")]


def test_without_a_folder_in_memory_no_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(recognise, "MEMORY_FOLDER", tmp_path)
    recognise.languages.cache_clear()
    try:
        error = refused(png(picture(LINES)))
    finally:
        recognise.languages.cache_clear()
    assert error.reason.code is ReasonCode.MODEL_MISSING
    assert [path.name for path in tmp_path.iterdir()] == ["tesseract"]
