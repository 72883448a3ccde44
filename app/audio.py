"""Recordings from bytes in memory to mono samples, by FFmpeg through PyAV.

The container is told by its first bytes and forced on FFmpeg, so that a playlist or another format behind an audio name
is never opened. Run it in the sandboxed child: it is native code on foreign input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.error import FFmpegError

from app.errors import Refusal
from app.vocabulary import ReasonCode

#: Codecs that people record speech with; everything else FFmpeg knows stays closed.
CODECS = ("pcm_", "adpcm_", "flac", "mp3", "opus", "vorbis", "speex")
#: Hz. Below, no speech is left; above, no recorder for voices works.
RATES = (2_000, 192_000)
#: Channels of one recording: 7.1 sound.
MAX_CHANNELS = 8
#: Seconds. A longer recording is resampled to `LONG_RATE`, so that three hours stay under 700 MB of samples.
LONG_SECONDS = 1200.0
#: Hz. Keeps everything that pitch, loudness and speech rate are measured on.
LONG_RATE = 16_000
#: Share of packets that may be unreadable (tags or a cut at the end) before the recording counts as damaged.
MAX_BAD_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A decoded recording.

    Attributes:
        samples: float32, shape (n,), channels averaged, full scale is -1 to 1.
        rate: Hz, the recording's own (`LONG_RATE` for those over `LONG_SECONDS`).
        channels: how many the recording had.
        duration_s: seconds of `samples`.
        container: "wav", "flac", "mp3" or "ogg".
        codec: FFmpeg's name, for instance "opus".
        bad_packets: packets that could not be decoded and were left out.
    """

    samples: npt.NDArray[np.float32]
    rate: int
    channels: int
    duration_s: float
    container: str
    codec: str
    bad_packets: int = 0


def container_of(head: bytes) -> str | None:
    """FFmpeg's name of the container that the first bytes announce; None for every other format."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "mp3"
    return None


def decode(data: bytes, *, max_seconds: float) -> Track:
    """Decode the first audio stream of a recording.

    Args:
        data: the whole file.
        max_seconds: the longest recording accepted.

    Returns:
        Samples at the recording's own rate, channels averaged.

    Raises:
        Refusal: unsupported_type, corrupt, no_audio (no stream, or one without samples) or limit_exceeded. Digital
            silence is no error here.
    """
    name = container_of(data[:16])
    if name is None:
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE,
            "Not a recording we can open: upload it as WAV, FLAC, MP3, Ogg Vorbis or Opus.",
        )
    try:
        with av.open(
            BytesIO(data), mode="r", format=name, metadata_errors="ignore", options={"protocol_whitelist": "file,pipe"}
        ) as container:
            return _read(container, name, max_seconds)
    except (FFmpegError, EOFError) as error:
        raise Refusal(
            ReasonCode.CORRUPT, "The recording is damaged or was cut off; save or send it again.", container=name
        ) from error


def _read(container: InputContainer, name: str, max_seconds: float) -> Track:
    if not container.streams.audio:
        raise Refusal(ReasonCode.NO_AUDIO, "The file has no audio stream.", container=name)
    stream = container.streams.audio[0]
    native, channels, codec = stream.rate, stream.channels, stream.codec_context.name
    if not codec.startswith(CODECS):
        raise Refusal(
            ReasonCode.UNSUPPORTED_TYPE, f"Audio coded as {codec} is not opened: save it as WAV or FLAC.", codec=codec
        )
    if not (RATES[0] <= native <= RATES[1] and 1 <= channels <= MAX_CHANNELS):
        raise Refusal(
            ReasonCode.LIMIT_EXCEEDED, "Unusual sampling rate or number of channels.", rate_hz=native, channels=channels
        )
    announced = container.duration / av.time_base if container.duration else 0.0
    _check_length(announced, max_seconds)
    rate = native if announced <= LONG_SECONDS else min(native, LONG_RATE)
    pieces: list[npt.NDArray[np.float32]] = []
    total = packets = bad = 0
    for piece in _decoded(container, rate):
        packets += 1
        if piece is None:
            bad += 1
            continue
        total += len(piece)
        _check_length(total / rate, max_seconds)
        pieces.append(piece)
    if bad > MAX_BAD_SHARE * packets:
        raise Refusal(ReasonCode.CORRUPT, "Much of the recording is damaged; save or send it again.", container=name)
    if not total:
        raise Refusal(ReasonCode.NO_AUDIO, "The recording holds no samples.", container=name)
    return Track(np.concatenate(pieces), rate, channels, total / rate, name, codec, bad)


def _check_length(seconds: float, max_seconds: float) -> None:
    if seconds > max_seconds:
        raise Refusal(
            ReasonCode.LIMIT_EXCEEDED,
            f"The recording is longer than {max_seconds / 60:.0f} minutes: upload it in parts.",
            max_seconds=max_seconds,
        )


def _decoded(container: InputContainer, rate: int) -> Iterator[npt.NDArray[np.float32] | None]:
    """Mono samples piece by piece; None stands for a packet that could not be decoded."""
    resampler = av.AudioResampler(format="fltp", rate=rate)
    for packet in container.demux(audio=0):
        try:
            frames = packet.decode()
        except (FFmpegError, EOFError):
            yield None
            continue
        for frame in frames:
            for out in resampler.resample(frame):
                yield _mono(out)
    for out in resampler.resample(None):
        yield _mono(out)


def _mono(frame: av.AudioFrame) -> npt.NDArray[np.float32]:
    samples = frame.to_ndarray().astype(np.float32)  # a copy: the frame's memory is used again
    mono: npt.NDArray[np.float32] = samples[0] if len(samples) == 1 else samples.mean(axis=0, dtype=np.float32)
    return mono
