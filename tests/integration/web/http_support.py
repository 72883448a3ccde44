"""Helpers of the API tests: people who call it, a gunicorn that serves it, a person's stock of data."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from app.database import transaction
from app.layers import TextLayer, digest
from app.models import EvidenceSnippet, ExtractedTraitCandidate, PackageKey, TextLayerRecord
from app.services import tokens
from app.services.tokens import OWN_SCOPES
from app.vault import open_package

ROOT = Path(__file__).resolve().parents[3]
#: What a running service has to answer the internal routes with.
INTERNAL = "internal-" + "s" * 32


@dataclass(frozen=True)
class Person:
    """Somebody with a token, and the ways they call the API."""

    client: FlaskClient
    user_id: str
    headers: dict[str, str] = field(repr=False)

    @property
    def home(self) -> str:
        return f"/v1/users/{self.user_id}"

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        """A request below the person's home, with their token unless other headers are given."""
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.open(f"{self.home}{path}", method=method, headers=headers, **more)

    def consent(self, *scopes: str) -> str:
        body = {"scopes": list(scopes or ("analyse:text:local",)), "purpose": "a test"}
        answer = self.call("POST", "/consents", json=body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["consentTokenID"])


def bearer(user_id: str, scopes: tuple[str, ...] = OWN_SCOPES) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.mint(user_id, scopes, 600)}"}


def refused(answer: TestResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is a refusal in the one envelope; what it says."""
    return refused_body(answer.status_code, answer.get_json(), status, code)


def refused_body(got: int, body: dict[str, Any], status: int, code: str | None = None) -> dict[str, Any]:
    """As `refused`, of a status and a decoded body."""
    assert got == status, body
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message", "details"}
    assert code in (None, body["error"]["code"])
    found: dict[str, Any] = body["error"]
    return found


@dataclass
class Served:
    """A gunicorn of our own."""

    port: int
    process: subprocess.Popen[bytes]
    scratch: Path
    log: Path
    home: Path

    def up(self) -> bool:
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        with closing(self.connect()) as connection:
            chunked = "Transfer-Encoding" in (headers or {})
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)  # type: ignore[arg-type]
            answer = connection.getresponse()
            raw = answer.read()
            kind = answer.headers.get_content_type()
            return answer.status, json.loads(raw) if kind == "application/json" else raw, answer.headers


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


LETTER = (
    "I was so glad about your letter! I work as a nurse. Do you still play the cello? Would you come to us for a week?"
)


def upload(person: Person, data: bytes = LETTER.encode(), name: str = "letter.txt", **changed: Any) -> TestResponse:
    """An upload through the API; a field given as None is left out."""
    headers = changed.pop("headers", {})
    parts = {"file": (name, data), "sourceDescription": "letters", **changed}
    if "consentTokenID" not in parts:
        parts["consentTokenID"] = person.consent()
    body, content_type = form(parts)
    return person.call("POST", "/data/upload", data=body, headers=headers, content_type=content_type)


def form(parts: dict[str, tuple[str, bytes] | str | None]) -> tuple[bytes, str]:
    """A multipart form in the order given, and its Content-Type; None leaves a part out."""
    edge = uuid4().hex
    body = b""
    for name, value in parts.items():
        if value is None:
            continue
        file = f'; filename="{value[0]}"' if isinstance(value, tuple) else ""
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + (value[1] if isinstance(value, tuple) else value.encode()) + b"\r\n"
    return body + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def stock(person: Person, *, candidates: int = 3) -> dict[str, str]:
    """A package with a text layer, candidates with evidence; ids by the names of the routes, of the first of each."""
    sent = upload(person)
    assert sent.status_code == 202, sent.get_data(as_text=True)
    package_id = UUID(sent.get_json()["packageID"])
    layer_id = _layer(person.user_id, package_id)
    made = [_candidate(person.user_id, package_id, layer_id, number) for number in range(candidates)]
    erased = person.call("DELETE", f"/data/packages/{upload(person).get_json()['packageID']}")
    assert erased.status_code == 202, erased.get_data(as_text=True)
    return {
        "consentTokenID": person.consent(),
        "erasureID": erased.get_json()["erasureID"],
        "packageID": str(package_id),
        "candidateID": str(made[0][0]),
        "evidenceID": str(made[0][1]),
    }


def _layer(user_id: str, package_id: UUID) -> UUID:
    layer_id = uuid4()
    with transaction() as connection:
        wrapped = connection.execute(
            select(PackageKey.wrapped_key).where(PackageKey.package_id == package_id)
        ).scalar_one()
        text = json.dumps(TextLayer(LETTER).as_json()).encode()
        key = open_package(user_id, package_id, wrapped).put(f"layer-{layer_id}", text)
        connection.execute(
            insert(TextLayerRecord),
            {
                "text_layer_id": layer_id,
                "package_id": package_id,
                "user_id": user_id,
                "kind": "document",
                "language": "en",
                "characters": len(LETTER),
                "own_characters": len(LETTER),
                "sha256": digest(LETTER),
                "object_key": key,
                "made_by": "test",
                "created_at": datetime.now(UTC),
            },
        )
    return layer_id


def _candidate(user_id: str, package_id: UUID, layer_id: UUID, number: int) -> tuple[UUID, UUID]:
    candidate_id, evidence_id, now = uuid4(), uuid4(), datetime.now(UTC)
    sentence = LETTER.split("! ", 1)[0] + "!"
    shown = round(0.9 - number / 100, 3)
    with transaction() as connection:
        connection.execute(
            insert(ExtractedTraitCandidate),
            {
                "candidate_id": candidate_id,
                "user_id": user_id,
                "trait_key": f"test:{number}",
                "trait_name": f"Trait {number}",
                "trait_description": "Seen once.",
                "trait_category": "Skill" if number % 2 else "Interest",
                "claim_kind": "stated",
                "confidence_score": shown,
                "confidence": {
                    "support": shown,
                    "ceiling": 1.0,
                    "trackRecord": None,
                    "shown": shown,
                    "explain": [{"label": "said", "value": shown, "detail": "once"}],
                },
                "rank": shown,
                "originating_models": ["text.facts"],
                "feature_set_ids": [uuid4()],
                "status": "candidate",
                "created_at": now,
                "updated_at": now,
            },
        )
        connection.execute(
            insert(EvidenceSnippet),
            {
                "evidence_id": evidence_id,
                "candidate_id": candidate_id,
                "user_id": user_id,
                "package_id": package_id,
                "counter": False,
                "position": 0,
                "type": "text_quote",
                "text_layer_id": layer_id,
                "locator": {"charStart": 0, "charEnd": len(sentence), "textLayer": str(layer_id)},
                "sha256": digest(sentence),
                "label": "",
                "verified_by": "exact",
            },
        )
    return candidate_id, evidence_id
