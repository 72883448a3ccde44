"""A vault of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.vault import keyring, package
from config.settings import settings


def forget() -> None:
    """What this process remembers of settings and keys."""
    settings.cache_clear()
    keyring._local.cache_clear()
    package._opened.cache_clear()


@pytest.fixture
def vault_home(tmp_path: Path) -> Iterator[Path]:
    """`ECHO_HOME` of one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHO_HOME", str(tmp_path / "home"))
        forget()
        yield tmp_path / "home"
    forget()
