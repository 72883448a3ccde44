from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.perception.sniff import DOCX, ENCRYPTED_OFFICE, HTML, MAIL, MARKDOWN, OLE, PDF, PLAIN, sniff
from app.vocabulary import DataType
from tests.unit.perception.perception_inputs import Pdf, docx_of, picture, png

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "data_type", "media_type"),
    [
        (b"", DataType.TEXT, PLAIN),
        (b"Dear diary,\n\ntoday was a good day.\n", DataType.TEXT, PLAIN),
        ("Größe und Mühe\n".encode("latin-1"), DataType.TEXT, PLAIN),
        ("\ufeffmit Marke\n".encode(), DataType.TEXT, PLAIN),
        ("\ufeffmit Marke\n".encode("utf-16"), DataType.TEXT, PLAIN),
        (b'{"a": [1, 2, 3]}', DataType.TEXT, PLAIN),
        (b"id,text\n1,good\n2,bad\n", DataType.TEXT, PLAIN),
        (b"[Tuscumbia, June 17, 1887.]\n\nhelen write anna\n", DataType.TEXT, PLAIN),
        (b"From: my desk\n\nA letter that begins like a mail and is none.\n", DataType.TEXT, PLAIN),
        (b"---\ntitle: A day\ndate: 2020-01-02\n---\n\nIt rained.\n", DataType.TEXT, MARKDOWN),
        (b"# A day\n\nIt rained on [us](http://a.example/).\n", DataType.TEXT, MARKDOWN),
        (b"# Diary\n\n## Monday\n\nIt rained.\n\n## Tuesday\n\nIt did not.\n", DataType.TEXT, MARKDOWN),
        (b"# 1\n\nIt rained.\n\n# 2\n\nIt did not.\n", DataType.TEXT, PLAIN),
        (b"# a comment line\nx = 1\n", DataType.TEXT, PLAIN),
        (b"<!DOCTYPE html><html><body>x</body></html>", DataType.DOCUMENT, HTML),
        (b"  <!-- saved --> <!-- twice -->\n<html lang=en>", DataType.DOCUMENT, HTML),
        (b"<div><p>One</p><p>Two</p></div>", DataType.DOCUMENT, HTML),
        (b'<?xml version="1.0"?><note><to>you</to></note>', DataType.UNKNOWN, "application/xml"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', DataType.UNKNOWN, "application/xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", DataType.UNKNOWN, "image/svg+xml"),
        (b"MIME-Version: 1.0\nDate: Wed, 21 Dec 2022 10:28:53 -0600\nFrom: a@b.example\n\nHi", DataType.MAIL, MAIL),
        (b"Received: from x\n\tby y; now\nFrom: a@b.example\nSubject: s\n\nHi", DataType.MAIL, MAIL),
        (b"From a@b.example Mon Jul 20 01:01:07 2015\nSubject: s\n\nHi", DataType.UNKNOWN, "application/mbox"),
        (b"{\\rtf1\\ansi Hello}", DataType.UNKNOWN, "application/rtf"),
        (b"%PDF-1.7\n", DataType.DOCUMENT, PDF),
        (b"junk before\n%PDF-1.4\n", DataType.DOCUMENT, PDF),
        (WAV, DataType.AUDIO, "audio/wav"),
        (b"fLaC\x00\x00\x00\x22", DataType.AUDIO, "audio/flac"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead", DataType.AUDIO, "audio/ogg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x1e\x01vorbis", DataType.AUDIO, "audio/ogg"),
        (b"ID3\x04\x00\x00\x00\x00\x01\x18TIT2", DataType.AUDIO, "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(60), DataType.AUDIO, "audio/mpeg"),
        (b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00", DataType.UNKNOWN, "audio/mp4"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", DataType.UNKNOWN, "image/heic"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", DataType.IMAGE, "image/webp"),
        (b"II*\x00\x08\x00\x00\x00" + bytes(8), DataType.IMAGE, "image/tiff"),
        (b"MM\x00*\x00\x00\x00\x08" + bytes(8), DataType.IMAGE, "image/tiff"),
        (b"GIF89a\x01\x00\x01\x00", DataType.IMAGE, "image/gif"),
        (b"SQLite format 3\x00", DataType.UNKNOWN, "application/vnd.sqlite3"),
        (bytes(range(256)) * 8, DataType.UNKNOWN, "application/octet-stream"),
        (b"\xc2\x03\x8b", DataType.UNKNOWN, "application/octet-stream"),
    ],
)
def test_a_type_is_told_by_the_first_bytes(head: bytes, data_type: DataType, media_type: str) -> None:
    assert sniff(head) == (data_type, media_type)


def test_pictures_are_told_by_their_bytes() -> None:
    image = picture(["Hello"])
    found = {form: sniff(png(image, form)) for form in ("PNG", "JPEG", "TIFF", "WEBP", "GIF")}
    assert found == {form: (DataType.IMAGE, f"image/{form.lower()}") for form in found}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "This is a test.\n",
        "Привет, как дела сегодня?\n",
        "今日はとても良い天気です。明日も晴れる。",
        "안녕하세요. 오늘은 날씨가 좋네요.",
    ],
)
def test_utf_16_without_a_mark_is_text_in_any_script(text: str, codec: str) -> None:
    assert sniff(text.encode(codec) * 3) == (DataType.TEXT, PLAIN)


def test_a_docx_is_told_by_its_head_alone() -> None:
    document = docx.Document()
    document.add_paragraph("Hello")
    data = docx_of(document)
    assert sniff(data[:8192]) == sniff(data, whole=lambda: data) == (DataType.DOCUMENT, DOCX)
    assert sniff(data[:60]) == (DataType.DOCUMENT, DOCX)


@pytest.mark.parametrize(
    ("parts", "media_type"),
    [
        ({"photo.jpg": b"x"}, "application/zip"),
        ({"essay.docx": b"word/document.xml"}, "application/zip"),
        (
            {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ({"mimetype": b"application/epub+zip", "a": b""}, "application/epub+zip"),
        ({"mimetype": b"application/vnd.oasis.opendocument.text"}, "application/vnd.oasis.opendocument.text"),
    ],
)
def test_other_archives_are_no_documents(parts: dict[str, bytes], media_type: str) -> None:
    assert sniff(archive(**parts)) == (DataType.UNKNOWN, media_type)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("EncryptedPackage", (DataType.DOCUMENT, ENCRYPTED_OFFICE)),
        ("WordDocument", (DataType.UNKNOWN, "application/msword")),
        ("__substg1.0_", (DataType.UNKNOWN, "application/vnd.ms-outlook")),
        ("Nothing", (DataType.DOCUMENT, OLE)),
    ],
)
def test_an_ole_container_is_told_by_its_streams(stream: str, expected: tuple[DataType, str]) -> None:
    data = OLE_MAGIC + bytes(9000) + stream.encode("utf-16-le")
    assert sniff(data[:8192], whole=lambda: data) == expected
    assert sniff(data[:8192]) == (DataType.DOCUMENT, OLE)


def test_the_whole_is_asked_for_only_where_the_head_leaves_it_open() -> None:
    def never() -> bytes:
        raise AssertionError

    for head in (b"Plain words.\n", b"%PDF-1.4", WAV, png(picture(["Hi"]))):
        sniff(head, whole=never)


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(head: bytes) -> None:
    data_type, media_type = sniff(head)
    assert data_type in DataType
    assert "/" in media_type


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "<!---->",
        "<a",
        "<!--",
        "{{<",
        "**a",
        "[a](",
        "<p ",
        "a: ",
        "---\n",
        "From: a\n",
        "<?xml ",
        "x\0",
        "# a\n",
        " ",
    ],
)
def test_no_head_keeps_the_web_tier_busy(unit: str) -> None:
    head = (unit * 8192)[:8192].encode()
    begun = time.process_time()
    sniff(head)
    sniff(b"<" + head)
    assert time.process_time() - begun < 0.25


def test_sniffing_loads_nothing_heavy() -> None:
    heavy = ("PIL", "av", "numpy", "lxml", "docx", "pypdfium2", "pytesseract", "py3langid", "charset_normalizer")
    program = f"import sys, app.perception.sniff; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_a_pdf_behind_another_name_is_a_pdf() -> None:
    assert sniff(Pdf().page([("Hi", 72, 700, 12)]).bytes()) == (DataType.DOCUMENT, PDF)
