"""A question to a language model and its answer, whoever the vendor is: what analyzers and services hand each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question about one document, the same for every vendor and model.

    Attributes:
        prompt: id and version, "traits.v1".
        prompt_digest: SHA-256 of everything in the prompt that is not the person's; part of the analyzer's version.
        system: who the model is and what holds for every task; the same for all tasks of one version.
        document: the redacted text of one window; data, never instruction.
        instruction: the task; stands last, so that what comes before it can be cached.
        schema: JSON schema of the answer; the same for all tasks, since vendors cache by it.
        max_output_tokens: thinking included.
        effort: how much thinking the model is asked for, where it can be asked; empty for its default.
        window: which window of the text this is, from 0.
        windows: how many there are.
        attempt: 0, or 1 for the repair of an answer in the wrong shape.
    """

    prompt: str
    prompt_digest: str
    system: str
    document: str
    instruction: str
    schema: dict[str, Any] = field(hash=False)
    max_output_tokens: int = 16_000
    effort: str = ""
    window: int = 0
    windows: int = 1
    attempt: int = 0

    @property
    def key(self) -> str:
        """SHA-256 of all that shapes the answer: what recordings are found by."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the vendor bills them.

    Attributes:
        input: tokens read at the full price.
        output: tokens written, thinking included.
        cache_write: tokens read and put into the vendor's cache.
        cache_read: tokens found there.
    """

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the question."""
        return self.input + self.cache_write + self.cache_read

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
        )

    def as_json(self) -> dict[str, int]:
        """Tokens by kind."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        data: the parsed JSON; None where the text was none. It holds the person's words: never to be stored in clear.
        usage: what it cost, in tokens.
        stop_reason: why the model stopped.
        model: which answered, as the vendor says.
        request_id: the vendor's, for questions to its support.
        size: code points of the answer's text.
    """

    data: Any
    usage: Usage = Usage()
    stop_reason: str = ""
    model: str = ""
    request_id: str = ""
    size: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape of a recording."""
        return asdict(self)

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(**{**doc, "usage": Usage(**doc["usage"])})


Ask = Callable[[Request], Answer]
#: Told of questions before the first of them is asked.
Foresee = Callable[[Sequence[Request]], None]
