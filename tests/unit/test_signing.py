"""A receipt or bundle is known again by its signature, and by nothing that was changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.errors import InvalidInput, Misconfigured
from app.vault import Signer, signer, verified
from config.settings import settings

DOCUMENT = {"erasureID": "e1", "counts": {"objects": 3}, "exp": 1}


@pytest.fixture
def one() -> Signer:
    return Signer(Ed25519PrivateKey.generate())


@pytest.fixture
def fresh_home(tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHO_HOME", str(tmp_path))
        settings.cache_clear()
        yield patch
    settings.cache_clear()


def test_what_was_signed_comes_back_whatever_its_fields_are_called(one: Signer) -> None:
    assert one.verify(one.sign(DOCUMENT)) == DOCUMENT


def test_anybody_can_check_with_the_public_key(one: Signer) -> None:
    assert verified(one.sign(DOCUMENT), one.public_jwk()) == DOCUMENT
    assert "d" not in one.public_jwk()


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_character_is_refused(one: Signer, part: int) -> None:
    parts = one.sign(DOCUMENT).split(".")
    parts[part] = parts[part][:4] + ("A" if parts[part][4] != "A" else "B") + parts[part][5:]
    with pytest.raises(InvalidInput):
        one.verify(".".join(parts))


def test_another_key_is_refused(one: Signer) -> None:
    with pytest.raises(InvalidInput):
        Signer(Ed25519PrivateKey.generate()).verify(one.sign(DOCUMENT))


def test_a_token_signed_by_a_shared_secret_is_refused(one: Signer) -> None:
    import jwt

    forged = jwt.encode(DOCUMENT, "0" * 32, algorithm="HS256")
    with pytest.raises(InvalidInput):
        one.verify(forged)


def test_the_key_is_made_once_and_is_its_owners_alone(fresh_home: pytest.MonkeyPatch, tmp_path: Path) -> None:
    signed = signer().sign(DOCUMENT)
    file = tmp_path / "signing.key"
    assert file.stat().st_mode & 0o077 == 0
    fresh_home.setenv("ECHO_SIGNING_KEY", file.read_text())
    settings.cache_clear()
    assert signer().verify(signed) == DOCUMENT


def test_what_is_no_key_is_named_without_its_content(fresh_home: pytest.MonkeyPatch) -> None:
    fresh_home.setenv("ECHO_SIGNING_KEY", "hidden")
    settings.cache_clear()
    with pytest.raises(Misconfigured) as refused:
        signer()
    assert "hidden" not in refused.value.message
