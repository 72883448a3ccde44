from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stub_anthropic import Stub, running


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as started:
        yield started
