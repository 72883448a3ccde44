"""What every key ring does. A new one is one more entry of `KEYRINGS`."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.vault import Keyring, VaultError
from app.vault.envelope import raw_aes_keyring
from app.vault.keyring import KEY_BYTES, SdkKeyring

#: Each entry makes a key ring over a master key of its own.
KEYRINGS: dict[str, Callable[[], Keyring]] = {
    "local": lambda: SdkKeyring(raw_aes_keyring("echosphere.master", "local", secrets.token_bytes(32)))
}
KEY = bytes(range(KEY_BYTES))
CONTEXT = {"user": "anna", "package": "1"}


@pytest.fixture(params=sorted(KEYRINGS))
def make(request: pytest.FixtureRequest) -> Callable[[], Keyring]:
    return KEYRINGS[request.param]


@pytest.fixture
def keyring(make: Callable[[], Keyring]) -> Keyring:
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


def test_another_master_key_does_not_open_it(make: Callable[[], Keyring], keyring: Keyring) -> None:
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
    for broken in (changed, wrapped[:place]):
        with pytest.raises(VaultError):
            keyring.unwrap(broken, CONTEXT)


def test_the_error_tells_neither_key_nor_person(make: Callable[[], Keyring], keyring: Keyring) -> None:
    with pytest.raises(VaultError) as refused:
        keyring.unwrap(make().wrap(KEY, CONTEXT), CONTEXT)
    assert "anna" not in f"{refused.value.message} {refused.value.details}"
