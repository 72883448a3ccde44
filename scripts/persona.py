"""Make the document, the picture and the recording of the sample persona again from their texts.

    python scripts/persona.py

The picture needs the font DejaVu Serif, the recording `espeak-ng` on PATH; where one is missing, the file that is there
stays, and that is said.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import wave
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from docx import Document
from PIL import Image, ImageDraw, ImageFont

PERSONA = Path(__file__).resolve().parent.parent / "examples" / "persona"
SOURCES = PERSONA / "sources"
AUTHOR = "Tilda Marrowby"
#: Synthetic British voice of a woman; Hz of its samples.
VOICE, VOICE_RATE = "en-gb+f3", 22_050
#: Hz and bits per second of the recording: what a messenger sends.
OPUS_RATE, OPUS_BITS = 48_000, 24_000
#: Loudness of the room, so that silence is not digital silence.
ROOM = 0.0008
#: A typewriter's kind of letters, in which an I is no stroke.
FONT = "DejaVuSerif.ttf"
#: Pixels.
PAGE_WIDTH, MARGIN, FONT_SIZE, LINE = 1240, 110, 28, 46


def document(source: Path, target: Path) -> None:
    """A Word document from Markdown with one heading."""
    made = Document()
    made.core_properties.author = AUTHOR
    made.core_properties.created = made.core_properties.modified = datetime(2024, 6, 10, tzinfo=UTC)
    for block in source.read_text(encoding="utf-8").strip().split("\n\n"):
        if block.startswith("# "):
            made.add_heading(block[2:], level=1)
        else:
            made.add_paragraph(block.replace("\n", " "))
    made.save(str(target))


def picture(source: Path, target: Path) -> None:
    """A picture of a typed note, black on slightly yellow paper."""
    font = ImageFont.truetype(FONT, FONT_SIZE)
    lines: list[str] = []
    for paragraph in source.read_text(encoding="utf-8").strip().split("\n\n"):
        lines += [*_wrapped(paragraph.replace("\n", " "), font), ""]
    height = 2 * MARGIN + LINE * len(lines)
    page = Image.new("RGB", (PAGE_WIDTH, height), (252, 250, 240))
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + row * LINE), line, fill=(30, 28, 26), font=font)
    page.convert("L").quantize(16).save(target, optimize=True, dpi=(150, 150))


def _wrapped(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > PAGE_WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def recording(source: Path, target: Path) -> None:
    """A voice message: every line at its own pace, with its own pause."""
    parts: list[npt.NDArray[np.float32]] = [np.zeros(VOICE_RATE // 2, np.float32)]
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        pace, text, pause = (field.strip() for field in line.split("|"))
        parts += [_spoken(text, pace), np.zeros(round(float(pause) * VOICE_RATE), np.float32)]
    samples = np.concatenate(parts)
    samples += ROOM * np.random.default_rng(4).standard_normal(len(samples)).astype(np.float32)
    _encode(samples, target)


def _spoken(text: str, pace: str) -> npt.NDArray[np.float32]:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["espeak-ng", "-v", VOICE, "-s", pace, "-w", file.name, text]
        subprocess.run(command, check=True)  # noqa: S603 - a fixed program and the words of this project
        with wave.open(file.name, "rb") as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32)
    samples /= np.float32(32768)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1]


def _encode(samples: npt.NDArray[np.float32], target: Path) -> None:
    with av.open(str(target), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=OPUS_RATE)
        stream.bit_rate = OPUS_BITS
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.rate = VOICE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def main() -> int:
    """Make all three.

    Returns:
        The exit status: 1 where one of them could not be made.
    """
    document(SOURCES / "essay.md", PERSONA / "essay.docx")
    missing = []
    try:
        picture(SOURCES / "note.txt", PERSONA / "note.png")
    except OSError:
        missing.append(f"the font {FONT} is not installed: note.png stays as it is")
    if shutil.which("espeak-ng"):
        recording(SOURCES / "voice_note.txt", PERSONA / "voice_note.ogg")
    else:
        missing.append("espeak-ng is not installed: voice_note.ogg stays as it is")
    for sentence in missing:
        print(sentence, file=sys.stderr)
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
