from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest

from app import audio
from app.audio import Track, decode
from app.errors import Refusal
from app.vocabulary import ReasonCode
from tests.unit.perception.perception_inputs import tone


def encoded(samples: np.ndarray, rate: int, container: str, codec: str) -> bytes:
    out = io.BytesIO()
    layout = "mono" if len(samples) == 1 else "stereo"
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.rate = rate
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


def refused(data: bytes, max_seconds: float = 60) -> ReasonCode:
    with pytest.raises(Refusal) as caught:
        decode(data, max_seconds=max_seconds)
    return caught.value.reason.code


def pitch(track: Track) -> float:
    spectrum = np.abs(np.fft.rfft(track.samples))
    return float(np.argmax(spectrum) * track.rate / len(track.samples))


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16000),
        ("wav", "pcm_f32le", 44100),
        ("wav", "pcm_u8", 8000),
        ("flac", "flac", 22050),
        ("mp3", "libmp3lame", 44100),
        ("ogg", "libopus", 48000),
    ],
)
def test_every_format_is_decoded_at_its_own_rate(container: str, codec: str, rate: int) -> None:
    track = decode(encoded(tone(2.0, rate), rate, container, codec), max_seconds=60)
    assert (track.container, track.rate, track.channels, track.bad_packets) == (container, rate, 1, 0)
    assert track.samples.dtype == np.float32
    assert track.samples.ndim == 1
    assert track.duration_s == pytest.approx(2.0, abs=0.1) == len(track.samples) / rate
    assert pitch(track) == pytest.approx(200, abs=2)
    assert np.abs(track.samples).max() == pytest.approx(0.5, abs=0.1)


def test_pcm_is_decoded_exactly() -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 5000, np.int16)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())
    assert np.array_equal(decode(out.getvalue(), max_seconds=60).samples, samples.astype(np.float32) / 32768)


def test_channels_are_averaged() -> None:
    track = decode(encoded(tone(1.0, 16000, channels=2), 16000, "wav", "pcm_f32le"), max_seconds=60)
    assert track.channels == 2
    assert np.abs(track.samples).max() == pytest.approx(0.25, abs=0.01)


def test_silence_is_a_track_of_zeros() -> None:
    track = decode(encoded(np.zeros((1, 16000), np.float32), 16000, "wav", "pcm_s16le"), max_seconds=60)
    assert not track.samples.any()


def test_a_recording_over_the_limit_is_refused_before_it_is_decoded() -> None:
    assert refused(encoded(tone(3.0, 8000), 8000, "wav", "pcm_s16le"), max_seconds=2) is ReasonCode.LIMIT_EXCEEDED


def test_a_length_that_the_header_hides_is_still_limited() -> None:
    data = bytearray(encoded(tone(3.0, 8000), 8000, "wav", "pcm_s16le"))
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff\xff\xff\xff"
    assert refused(bytes(data), max_seconds=2) is ReasonCode.LIMIT_EXCEEDED


def test_a_long_recording_is_resampled_so_that_it_fits_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LONG_SECONDS", 1.0)
    track = decode(encoded(tone(2.0, 44100), 44100, "wav", "pcm_s16le"), max_seconds=60)
    assert track.rate == 16000
    assert track.duration_s == pytest.approx(2.0, abs=0.01)
    assert pitch(track) == pytest.approx(200, abs=1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ReasonCode.UNSUPPORTED_TYPE),
        (b"#EXTM3U\nfile:///etc/passwd\n", ReasonCode.UNSUPPORTED_TYPE),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", ReasonCode.UNSUPPORTED_TYPE),
        (b"\x00\x00\x00\x1cftypM4A ", ReasonCode.UNSUPPORTED_TYPE),
        (b"RIFF\x24\x00\x00\x00WAVE", ReasonCode.CORRUPT),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x66\x66\x66\x66" + bytes(20), ReasonCode.CORRUPT),
        (b"fLaC" + bytes(100), ReasonCode.CORRUPT),
        (b"OggS" + bytes(100), ReasonCode.CORRUPT),
        (b"ID3\x03\x00\x00\x00\x0f\x68\x72" + bytes(500), ReasonCode.CORRUPT),
    ],
)
def test_what_is_no_recording_or_damaged_is_refused(data: bytes, code: ReasonCode) -> None:
    assert refused(data) is code


def test_a_header_without_samples_holds_no_audio() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"")
    assert refused(out.getvalue()) is ReasonCode.NO_AUDIO


def test_a_recording_cut_off_at_its_end_keeps_what_there_is() -> None:
    data = encoded(tone(4.0, 44100), 44100, "mp3", "libmp3lame")
    track = decode(data[: len(data) // 2], max_seconds=60)
    assert 1.5 < track.duration_s < 2.5


def test_rubbish_among_the_packets_is_left_out_and_counted() -> None:
    data = bytearray(encoded(tone(6.0, 44100), 44100, "mp3", "libmp3lame"))
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(600)
    track = decode(bytes(data), max_seconds=60)
    assert track.duration_s > 5
    assert pitch(track) == pytest.approx(200, abs=2)
