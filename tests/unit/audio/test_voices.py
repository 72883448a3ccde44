from __future__ import annotations

from typing import Any

import numpy as np
import sounds

from app.analysis import Blob, Context
from app.analyzers.audio.contours import trace
from app.analyzers.audio.prosody import analyse


def voices(*parts: sounds.Floats) -> dict[str, Any]:
    samples = np.concatenate(parts) + sounds.noise(sum(map(len, parts)) / sounds.RATE, 0.001)
    return trace(samples.astype(np.float32), sounds.RATE).timbre.voices()


def turns(*people: str, count: int = 6) -> list[sounds.Floats]:
    return [sounds.syllables(16, 4, hertz=150, person=people[i % len(people)]) for i in range(count)]


def test_two_timbres_that_take_turns_are_probably_two_people() -> None:
    found = voices(*turns("one", "two"))

    assert found["severalLikely"] is True
    assert "cannot be told apart" in found["why"]


def test_one_voice_is_one_voice() -> None:
    assert voices(*turns("one"))["severalLikely"] is False


def test_too_little_speech_says_nothing() -> None:
    found = voices(*turns("one", "two", count=2))

    assert found["severalLikely"] is None
    assert "too little" in found["why"]


def test_a_real_dialogue_is_told_from_real_monologues(recordings: dict[str, tuple[bytes, dict[str, Any]]]) -> None:
    names = ("dialogue_two_speakers.wav", "spontaneous_fast_then_slow.wav", "voice_message_es.opus")
    found = {name: analyse(Blob(recordings[name][0], ""), Context()).features["speakers"] for name in names}

    assert [found[name]["severalLikely"] for name in names] == [True, False, False]
    assert not any(f["toldApart"] for f in found.values())
