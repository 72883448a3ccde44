"""Tokens: what is accepted, and all that is not."""

from __future__ import annotations

import base64
import json
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.errors import InvalidInput, Misconfigured, StoreUnavailable
from app.services import tokens
from app.services.tokens import OWN_SCOPES, Scope, Unauthenticated
from config.settings import settings

SECRET = "k" * 40


@pytest.fixture
def secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ECHO_JWT_SECRET", SECRET)
    settings.cache_clear()
    yield SECRET
    monkeypatch.undo()
    settings.cache_clear()


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "sub": "ann",
        "iss": "echosphere",
        "aud": "echosphere",
        "iat": now,
        "exp": now + 60,
        "scope": "data:upload",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def signed(said: dict[str, Any], key: object = SECRET, algorithm: str = "HS256", **headers: str) -> str:
    return jwt.encode(said, key, algorithm=algorithm, headers=headers)


def test_a_minted_token_speaks_for_its_person_with_its_scopes(secret: str) -> None:
    principal = tokens.check(tokens.mint("ann@example.org", OWN_SCOPES, 60))
    assert principal.user_id == "ann@example.org"
    assert principal.scopes == {"data:upload", "persona:read_traits", "persona:manage_traits"}


@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "iss", "aud"])
def test_every_required_claim_is_required(secret: str, missing: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(signed(claims(**{missing: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"aud": ["somebody", "else"]},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 86_400},
        {"nbf": int(time.time()) + 86_400},
        {"sub": ""},
        {"sub": "../ann"},
        {"sub": "ann\n"},
        {"sub": "a" * 129},
        {"sub": "änn"},
        {"sub": 7},
        {"exp": "soon"},
    ],
)
def test_a_claim_that_does_not_hold_is_refused(secret: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(signed(claims(**changes)))


def test_another_secret_another_algorithm_or_none_is_refused(secret: str) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    none = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none", "typ": "JWT"}, claims())
    )
    for token in (
        signed(claims(), "another secret that is long enough"),
        signed(claims(), SECRET * 2, "HS512"),
        signed(claims(), rsa_key, "RS256"),
        f"{none}.",
    ):
        with pytest.raises(Unauthenticated):
            tokens.check(token)


def test_deep_json_in_a_header_is_refused_and_no_crash(secret: str) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        tokens.check(f"{deep}.e30.AAAA")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_any_other_text_is_refused_without_being_repeated(secret: str, text: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        tokens.check(text)
    assert not text.strip() or len(text) < 4 or text not in refusal.value.message


@pytest.mark.parametrize("scope", ["data:upload admin", ["data:upload", "admin"], ["data:upload", "admin", 7, None]])
def test_scopes_come_as_text_or_as_a_list(secret: str, scope: object) -> None:
    assert tokens.check(signed(claims(scope=scope))).scopes == {"data:upload", "admin"}


@pytest.mark.parametrize("scope", [7, {"data:upload": True}, None])
def test_scopes_of_any_other_shape_allow_nothing(secret: str, scope: object) -> None:
    assert tokens.check(signed(claims(scope=scope))).scopes == frozenset()


def test_what_is_minted_is_checked_first(secret: str) -> None:
    for user, scopes, ttl in (
        ("", OWN_SCOPES, 60),
        ("a b", OWN_SCOPES, 60),
        ("ann", ["root"], 60),
        ("ann", OWN_SCOPES, 0),
    ):
        with pytest.raises(InvalidInput):
            tokens.mint(user, scopes, ttl)


def test_a_short_secret_stops_the_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_JWT_SECRET", "secret")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="ECHO_JWT_SECRET"):
        tokens.prepare()
    monkeypatch.undo()
    settings.cache_clear()


def test_the_secret_is_made_once_private_and_the_same_for_all_who_start_together(tmp_path: Path) -> None:
    file = tmp_path / "fresh" / "jwt.secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: tokens._from_file(file), range(8)))
    assert len(found) == 1
    assert len(found.pop()) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["jwt.secret"]


def test_a_secret_file_that_cannot_be_made_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="ECHO_JWT_SECRET"):
        tokens._from_file(tmp_path / "file" / "jwt.secret")


class Provider:
    """An OIDC provider's JWKS address."""

    def __init__(self) -> None:
        self.keys = {"rsa": rsa.generate_private_key(65537, 2048), "ec": ec.generate_private_key(ec.SECP256R1())}
        self.asked = 0
        rsa_jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.keys["rsa"].public_key()))
        ec_jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.keys["ec"].public_key()))
        document = {
            "keys": [
                {**rsa_jwk, "kid": "rsa", "alg": "RS256", "use": "sig"},
                {**ec_jwk, "kid": "ec", "alg": "ES256", "use": "sig"},
            ]
        }
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    made = Provider()
    monkeypatch.setenv("ECHO_JWT_JWKS_URL", made.url)
    monkeypatch.setenv("ECHO_JWT_SECRET", SECRET)
    settings.cache_clear()
    yield made
    made.server.shutdown()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS256"), ("ec", "ES256")])
def test_a_providers_token_is_accepted_by_its_key(provider: Provider, kid: str, algorithm: str) -> None:
    assert tokens.check(signed(claims(), provider.keys[kid], algorithm, kid=kid)).user_id == "ann"


def test_with_a_provider_our_own_tokens_no_longer_hold(provider: Provider) -> None:
    public = provider.keys["rsa"].public_key().public_numbers().n.to_bytes(256, "big")
    for token in (signed(claims(), SECRET, "HS256", kid="rsa"), signed(claims(), public, "HS256", kid="rsa")):
        with pytest.raises(Unauthenticated):
            tokens.check(token)
    with pytest.raises(Misconfigured):
        tokens.mint("ann", OWN_SCOPES, 60)


def test_a_key_of_the_other_kind_does_not_pass(provider: Provider) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(signed(claims(), provider.keys["ec"], "ES256", kid="rsa"))


def test_unknown_keys_do_not_make_us_ask_the_provider_each_time(provider: Provider) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            tokens.check(signed(claims(), stranger, "RS256", kid=f"made-up-{number}"))
    assert provider.asked <= 2


def test_a_provider_that_does_not_answer_is_not_the_callers_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_JWT_JWKS_URL", "http://127.0.0.1:1/jwks")
    settings.cache_clear()
    key = rsa.generate_private_key(65537, 2048)
    with pytest.raises(StoreUnavailable):
        tokens.check(signed(claims(), key, "RS256", kid="rsa"))
    monkeypatch.undo()
    settings.cache_clear()


def test_an_address_that_is_no_web_address_stops_the_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_JWT_JWKS_URL", "file:///etc/hosts")
    settings.cache_clear()
    with pytest.raises(Misconfigured):
        tokens.prepare()
    monkeypatch.undo()
    settings.cache_clear()


def test_the_scopes_are_those_of_the_design() -> None:
    assert set(Scope) == {"data:upload", "persona:read_traits", "persona:manage_traits", "admin"}
