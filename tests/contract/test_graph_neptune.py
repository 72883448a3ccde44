"""What Neptune asks for and cannot be tried here: its openCypher, and signatures that AWS would take."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from app.errors import Misconfigured
from app.pkg import Graph, Node, graph_store, neptune
from app.pkg.cypher import CypherGraphStore, statements
from app.pkg.gremlin import GremlinGraphStore
from app.vocabulary import EdgeType, NodeLabel
from tests.graph_servers import chosen

#: Clauses that we use; Neptune's page "openCypher specification compliance" lists each as supported.
CLAUSES = {"MATCH", "UNWIND", "MERGE", "SET", "DELETE", "DETACH", "RETURN", "AS"}
#: Functions that we use; listed there too.
FUNCTIONS = {"labels", "properties", "type", "count"}
#: What that page, and "Rewriting Cypher queries", say is not supported, or is Neo4j's own.
REFUSED = (
    r"\bCALL\b", r"\bapoc\.", r"\bFOREACH\b", r"\bLOAD\b", r"\bCONSTRAINT\b", r"\bINDEX\b", r"\bMANDATORY\b",
    r"shortestPath", r"\bEXISTS\s*\{", r"\bCOUNT\s*\{", r"\bCOLLECT\s*\{", r"\bUNION\b", r"\bUSE\b", r"elementId",
    r"\breduce\s*\(", r"\b(?:all|any|none|single)\s*\(", r"\bON\s+(?:CREATE|MATCH)\b", r"=~", r"[%^]", r"\bREMOVE\b",
    r"\bIN\s+TRANSACTIONS\b", r"\)\s*=\s*\$", r"SET\s+\w+\s*=\s", r":\w+\|", r"\bnormalize\b", r"\{[^}]*\bWHERE\b",
)  # fmt: skip


def test_every_statement_is_one_that_neptune_takes() -> None:
    sent = statements()
    assert len(sent) == len(set(sent)) == 9 + len(NodeLabel) + 2 * len(EdgeType)
    for statement in sent:
        assert not [rule for rule in REFUSED if re.search(rule, statement, re.IGNORECASE)], statement
        assert set(re.findall(r"\b([a-z]\w*)\(", statement)) <= FUNCTIONS
        names = {*NodeLabel, *EdgeType}
        shouted = {word for word in re.findall(r"\b[A-Z][A-Z_]*\b", statement) if word not in names}
        assert shouted - {"ID"} <= CLAUSES, shouted


def test_a_statement_holds_no_value() -> None:
    for statement in statements():
        assert not re.search(r"['\"0-9`]", statement), statement
        for label in re.findall(r":(\w+)", statement):
            assert label in {*NodeLabel, *EdgeType, "Persona", "PersonaGraph"} or label == "row"


def test_neptune_is_given_no_constraints_and_no_lists() -> None:
    sent: list[tuple[str, Mapping[str, object]]] = []

    class Listening:
        def transact(self, work: object, *, write: bool) -> object:  # noqa: ARG002 - the port's
            def run(statement: str, parameters: Mapping[str, object]) -> list[object]:
                sent.append((statement, parameters))
                return []

            return work(run)  # type: ignore[operator]  # a callable, whatever it returns

    with chosen(None, ECHO_GRAPH_URL="neptune://cluster.example:8182?region=eu-central-1"):
        store = graph_store()
    assert isinstance(store, CypherGraphStore)
    store._driver = Listening()  # type: ignore[assignment]  # stands in for the wire
    store.prepare()
    assert sent == []
    store.replace("anna", Graph((Node("x", NodeLabel.SKILL, {"l": ["b", "a", "b"], "n": 1}),)))
    [rows] = [parameters["rows"] for statement, parameters in sent if "MERGE (n:Persona:Skill" in statement]
    assert rows == [{"id": "x", "properties": {"json_l": '["b", "a", "b"]', "n": 1}}]
    assert {statement for statement, _ in sent} <= set(statements())


@pytest.mark.parametrize("url", ["neptune://cluster.example:8182", "neptune://cluster.example:8182?area=x"])
def test_neptune_without_a_region_is_refused(url: str) -> None:
    with chosen(None, ECHO_GRAPH_URL=url), pytest.raises(Misconfigured, match="region"):
        graph_store()


NOW = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token"


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Credentials of a role, and the time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW)
    neptune._credentials.cache_clear()
    yield monkeypatch
    neptune._credentials.cache_clear()


def recomputed(path: str, headers: Mapping[str, str], region: str) -> str:
    """The Authorization header as the verifying side computes it, from the AWS documentation alone."""
    stamp, day = headers["X-Amz-Date"], headers["X-Amz-Date"][:8]
    names = sorted(name.lower() for name in headers if name != "Authorization")
    lowered = {name.lower(): value for name, value in headers.items()}
    canonical = "\n".join(
        [
            "GET",
            path,
            "",
            *(f"{name}:{lowered[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256().hexdigest(),
        ]
    )
    scope = f"{day}/{region}/neptune-db/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={key.hex()}"


def test_the_bolt_password_is_a_signature_that_aws_would_compute(frozen: pytest.MonkeyPatch) -> None:
    auth = neptune.bolt_auth("bolt+s://cluster.example:8182", "eu-central-1").get_auth()
    assert (auth.scheme, auth.principal, auth.realm) == ("basic", "username", "realm")
    headers = json.loads(auth.credentials)
    assert headers.pop("HttpMethod") == "GET"
    assert headers["Host"] == "cluster.example:8182"
    assert headers["X-Amz-Date"] == "20310203T040506Z"
    assert headers["X-Amz-Security-Token"] == TOKEN
    assert headers["Authorization"] == recomputed("/opencypher", headers, "eu-central-1")


def test_the_websocket_is_asked_for_with_a_signature(frozen: pytest.MonkeyPatch) -> None:
    headers = neptune.signed_headers("https://cluster.example:8182/gremlin", "us-east-2")
    assert headers["Authorization"] == recomputed("/gremlin", headers, "us-east-2")
    with chosen(None, ECHO_GRAPH_URL="wss://cluster.example:8182/gremlin?region=us-east-2"):
        store = graph_store()
    assert isinstance(store, GremlinGraphStore)
    assert (store._url, store._region) == ("wss://cluster.example:8182/gremlin", "us-east-2")


def test_a_signature_is_used_until_it_grows_old_and_then_made_anew(frozen: pytest.MonkeyPatch) -> None:
    assert neptune.SIGN_AGAIN_S < 300
    lasting = neptune.bolt_auth("bolt+s://cluster.example:8182", "eu-central-1")
    passing = neptune.bolt_auth("bolt+s://cluster.example:8182", "eu-central-1", sign_again_s=-1)
    first, short_lived = lasting.get_auth(), passing.get_auth()
    frozen.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(minute=9))
    assert lasting.get_auth() == first
    renewed = passing.get_auth()
    assert renewed != short_lived
    assert json.loads(renewed.credentials)["X-Amz-Date"] == "20310203T040906Z"


def test_no_credentials_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neptune, "_credentials", lambda _pid: None)
    with pytest.raises(Misconfigured, match="IAM role"):
        neptune.signed_headers("https://cluster.example:8182/gremlin", "us-east-2")
