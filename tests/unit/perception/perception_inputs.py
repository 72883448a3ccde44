"""Small documents, pictures and recordings made in memory, as inputs of the tests."""

from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import docx
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"


def picture(lines: list[str], *, size: int = 36, mode: str = "RGB") -> Image.Image:
    """Black lines of text on white."""
    font = ImageFont.load_default(size)
    width = max(int(font.getlength(line)) for line in lines) + 2 * size
    image = Image.new("RGB", (width, int(size * 1.6 * len(lines)) + 2 * size), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((size, size + int(1.6 * size * number)), line, font=font, fill="black")
    return image.convert(mode)


def png(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def docx_of(document: docx.document.Document) -> bytes:
    """The document as a file."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


class Pdf:
    """A PDF written by hand: pages of placed lines, annotations, fields."""

    def __init__(self) -> None:
        self.pages: list[tuple[list[str], list[str], str]] = []

    def page(
        self, lines: list[tuple[str, float, float, float] | str], annotations: tuple[str, ...] = (), extra: str = ""
    ) -> Pdf:
        """Add a page of (text, x, y, size) lines, or raw content; y grows upwards, A4."""
        content = []
        for line in lines:
            if isinstance(line, str):
                content.append(line)
            else:
                text, x, y, size = line
                escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
                content.append(f"BT /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET")
        self.pages.append((content, list(annotations), extra))
        return self

    def bytes(self, password: bytes | None = None) -> bytes:
        """The file; with a password, encrypted by RC4 with 40 bits (revision 2)."""
        lock = _Lock(password) if password is not None else None
        objects: list[tuple[str, bytes | None]] = [("", None)] * 3
        kids = []
        for content, on_page, extra in self.pages:
            notes = []
            for note in on_page:
                objects.append((note, None))
                notes.append(f"{len(objects)} 0 R")
            objects.append(("", "\n".join(content).encode("latin-1")))
            stream = len(objects)
            box = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
            page = f"<< /Type /Page /Parent 2 0 R {box} /Contents {stream} 0 R /Annots [{' '.join(notes)}] {extra} >>"
            objects.append((page, None))
            kids.append(f"{len(objects)} 0 R")
        fields = [f"{n} 0 R" for n, (body, _) in enumerate(objects, 1) if "/Widget" in body]
        form = f"/AcroForm << /Fields [{' '.join(fields)}] >>" if fields else ""
        objects[0] = (f"<< /Type /Catalog /Pages 2 0 R {form} >>", None)
        objects[1] = (f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>", None)
        objects[2] = ("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>", None)
        out = io.BytesIO(b"%PDF-1.4\n")
        out.seek(0, io.SEEK_END)
        places = []
        for number, (body, stream) in enumerate(objects, 1):
            places.append(out.tell())
            out.write(f"{number} 0 obj\n".encode())
            if stream is None:
                out.write(body.encode("latin-1"))
            else:
                packed = zlib.compress(stream)
                packed = lock.cipher(number, packed) if lock else packed
                out.write(
                    f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"
                )
            out.write(b"\nendobj\n")
        start = out.tell()
        out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
        out.write("".join(f"{place:010} 00000 n \n" for place in places).encode())
        encrypt = lock.dictionary if lock else ""
        out.write(
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {encrypt} >>\nstartxref\n{start}\n%%EOF".encode(
                "latin-1"
            )
        )
        return out.getvalue()


def _md5(data: bytes) -> Any:
    return hashlib.md5(data, usedforsecurity=False)


_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


class _Lock:
    """The standard security handler, revision 2 (PDF 1.4, section 3.5)."""

    def __init__(self, password: bytes) -> None:
        padded = (password + _PADDING)[:32]
        owner = _rc4(_md5(padded).digest()[:5], padded)
        identity = b"0123456789abcdef"
        permissions = (-4).to_bytes(4, "little", signed=True)
        self.key = _md5(padded + owner + permissions + identity).digest()[:5]
        user = _rc4(self.key, _PADDING)
        self.dictionary = (
            f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{user.hex()}> >> "
            f"/ID [<{identity.hex()}> <{identity.hex()}>]"
        )

    def cipher(self, number: int, data: bytes) -> bytes:
        key = _md5(self.key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
        return _rc4(key, data)


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def tone(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """A 200 Hz tone, float32 (channels, n); a second channel is silent."""
    samples = np.zeros((channels, round(seconds * rate)), np.float32)
    samples[0] = 0.5 * np.sin(2 * np.pi * 200 * np.arange(samples.shape[1]) / rate)
    return samples
