"""Sounds whose truth is known because they are made here: voices, whispers, pauses, hum."""

from __future__ import annotations

import io
import wave

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RATE = 16_000
#: Hz of the first two formants of a few vowels, which syllables run through.
VOWELS = ((300, 2300), (650, 1100), (500, 1700), (350, 800), (700, 1400))
#: Length of the vocal tract and loudness of the third formant, one pair per "person".
PEOPLE = {"one": (1.0, 0.15), "two": (1.25, 0.6)}


def syllables(count: int, per_second: float, *, hertz: float = 120.0, person: str = "one", rate: int = RATE) -> Floats:
    """Voiced syllables of equal length: harmonics shaped by the formants of changing vowels, swelling once each."""
    time = np.arange(round(count / per_second * rate)) / rate
    # A little melody, as every voice has; the median stays where it was asked for.
    phase = 2 * np.pi * hertz * (time + 0.02 * np.sin(2 * np.pi * 0.7 * time) / (2 * np.pi * 0.7))
    sound = np.zeros(len(time))
    vowels = (time * per_second).astype(int) * 2 % len(VOWELS)
    for harmonic in range(1, int(4500 / hertz)):
        gain = np.array([_gain(harmonic * hertz, person, vowel) for vowel in VOWELS])
        sound += gain[vowels] * np.sin(harmonic * phase)
    loudest = float(np.max(np.abs(sound)))
    return 0.5 / loudest * _swell(time, per_second) * sound


def _gain(frequency: float, person: str, vowel: tuple[int, int]) -> float:
    scale, third = PEOPLE[person]
    peaks = ((vowel[0], 1.0), (vowel[1], 0.5), (2600, third))
    return sum(a / (1 + ((frequency - scale * f) / 150) ** 2) for f, a in peaks)


def whisper(count: int, per_second: float, *, rate: int = RATE, seed: int = 1) -> Floats:
    """Breath in syllables, without a voice."""
    time = np.arange(round(count / per_second * rate)) / rate
    breath = np.random.default_rng(seed).standard_normal(len(time))
    return 0.1 * _swell(time, per_second) * breath


def _swell(time: Floats, per_second: float) -> Floats:
    """1 in the middle of a syllable, 20 dB less between two."""
    swell: Floats = 0.1 + 0.9 * np.sin(np.pi * ((time * per_second) % 1.0)) ** 2
    return swell


def silence(seconds: float, *, rate: int = RATE) -> Floats:
    return np.zeros(round(seconds * rate))


def noise(seconds: float, level: float = 0.01, *, rate: int = RATE, seed: int = 2) -> Floats:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def tone(seconds: float, hertz: float = 440.0, *, rate: int = RATE) -> Floats:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def wav(*parts: Floats, rate: int = RATE) -> bytes:
    """A 16-bit mono WAV file."""
    samples = np.clip(np.concatenate(parts), -1, 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()
