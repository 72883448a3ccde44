"""What every key ring does. A new one is one more entry of `KEYRINGS`."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import StoreUnavailable
from app.vault import Keyring, VaultError
from app.vault.aws import address
from app.vault.envelope import raw_aes_keyring
from app.vault.keyring import KEY_BYTES, LocalKeyring, SdkKeyring
from app.vault.kms import KmsKeyring, keyring_of

Make = Callable[[], Keyring]


def _kms(request: pytest.FixtureRequest) -> Make:
    server = request.getfixturevalue("aws_server")
    return lambda: keyring_of(address("ECHO_KEYS_URL", server.keys_url(server.new_key()), "kms"))


#: Each entry makes key rings, every one over a master key of its own.
KEYRINGS: dict[str, Callable[[pytest.FixtureRequest], Make]] = {
    "raw": lambda _: lambda: SdkKeyring(raw_aes_keyring("echosphere.master", "local", secrets.token_bytes(32))),
    "local": lambda _: lambda: LocalKeyring([secrets.token_bytes(32), secrets.token_bytes(32)]),
    "aws-kms": _kms,
}
KEY = bytes(range(KEY_BYTES))
CONTEXT = {"user": "anna", "package": "1"}


@pytest.fixture(params=sorted(KEYRINGS))
def make(request: pytest.FixtureRequest) -> Make:
    return KEYRINGS[request.param](request)


@pytest.fixture
def keyring(make: Make) -> Keyring:
    return make()


def test_a_wrapped_key_comes_back(keyring: Keyring) -> None:
    assert keyring.unwrap(keyring.wrap(KEY, CONTEXT), CONTEXT) == KEY


def test_the_wrapped_form_hides_the_key_and_is_another_each_time(keyring: Keyring) -> None:
    first, second = keyring.wrap(KEY, CONTEXT), keyring.wrap(KEY, CONTEXT)
    assert first != second
    assert KEY not in first
    assert KEY[:8] not in first


@pytest.mark.parametrize(
    "context",
    [
        {"user": "bert", "package": "1"},
        {"user": "anna", "package": "2"},
        {"user": "anna"},
        {},
        {"user": "anna", "package": "1", "more": "x"},
        {"user": "1", "package": "anna"},
    ],
)
def test_another_context_does_not_open_it(keyring: Keyring, context: dict[str, str]) -> None:
    wrapped = keyring.wrap(KEY, CONTEXT)
    with pytest.raises(VaultError):
        keyring.unwrap(wrapped, context)


def test_a_key_wrapped_for_no_context_is_not_opened_for_one(keyring: Keyring) -> None:
    wrapped = keyring.wrap(KEY, {})
    with pytest.raises(VaultError):
        keyring.unwrap(wrapped, CONTEXT)


def test_another_master_key_does_not_open_it(make: Make, keyring: Keyring) -> None:
    wrapped = make().wrap(KEY, CONTEXT)
    with pytest.raises(VaultError):
        keyring.unwrap(wrapped, CONTEXT)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_wrapped_key_changed_or_cut_anywhere_does_not_open(keyring: Keyring, data: st.DataObject) -> None:
    wrapped = keyring.wrap(KEY, CONTEXT)
    place = data.draw(st.integers(0, len(wrapped) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = wrapped[:place] + bytes([wrapped[place] ^ bit]) + wrapped[place + 1 :]
    # The emulator takes the key's id from the changed bytes and denies that key, where KMS would call them invalid.
    refused = (VaultError, StoreUnavailable) if isinstance(keyring, KmsKeyring) else (VaultError,)
    for broken in (changed, wrapped[:place]):
        with pytest.raises(refused):
            keyring.unwrap(broken, CONTEXT)


def test_the_error_tells_neither_key_nor_person(make: Make, keyring: Keyring) -> None:
    with pytest.raises(VaultError) as refused:
        keyring.unwrap(make().wrap(KEY, CONTEXT), CONTEXT)
    assert "anna" not in f"{refused.value.message} {refused.value.details}"
