"""What left and what it cost, as the person sees it over HTTP; tokens as the vendor counts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import update

from app.analyzers.llm.anthropic_errors import EXPLAINED
from app.analyzers.llm.port import VendorErrorKind
from app.analyzers.llm.prompts import shipped
from app.cli import cli
from app.database import transaction
from app.models import LlmCall
from app.services import access
from app.services.llm import sent as sending
from app.services.llm import spending
from app.services.llm.replay import replay
from app.services.llm.sent import sent
from app.vault import PackageVault
from tests import stub_anthropic
from tests.integration.llm.conftest import VENDOR, Case, table
from tests.integration.rows.conftest import LETTER
from tests.integration.web.conftest import app, client
from tests.integration.web.http_support import Person, bearer, refused
from tests.stub_anthropic import Stub

__all__ = ["app", "client"]
Make = Callable[..., Case]


@pytest.fixture
def person(client: FlaskClient) -> Callable[[str], Person]:
    return lambda user_id: Person(client, user_id, bearer(user_id))


def test_what_was_sent_is_shown_to_its_owner_in_pages_and_logged_as_reading_text(
    person: Callable[[str], Person], case: Make, vendor: Stub
) -> None:
    one = case()
    for analyzer in ("llm.facts", "llm.traits", "llm.style"):
        one.run(analyzer)
    documents = [body["messages"][0]["content"][0]["source"]["data"] for body in vendor.messages]
    me = person(one.user)
    path = f"/data/packages/{one.package_id}/sent"
    first, rest = (me.call("GET", f"{path}?limit=2&offset={offset}").get_json() for offset in (0, 2))
    assert first["pagination"] == {"offset": 0, "limit": 2, "total": 3}
    assert [row["document"] for row in first["data"] + rest["data"]] == documents
    assert [row["analyzer"] for row in first["data"] + rest["data"]] == ["llm.facts", "llm.traits", "llm.style"]
    assert (first["unrecorded"], first["unrecordedTotal"]) == ([], 0)
    entries, _ = access.listed(one.user, limit=1)
    assert (entries[0]["action"], entries[0]["purpose"]) == ("read_text", f"GET {path}")
    assert entries[0]["packageID"] == str(one.package_id)


@pytest.mark.usefixtures("vendor")
def test_somebody_elses_package_is_no_package(person: Callable[[str], Person], case: Make) -> None:
    one = case()
    one.run()
    stranger = person(f"stranger-{uuid4().hex[:8]}")
    refused(stranger.call("GET", f"/data/packages/{one.package_id}/sent"), 404)
    refused(stranger.call("GET", f"/data/packages/{uuid4()}/sent"), 404)
    assert stranger.client.get(f"{person(one.user).home}/costs", headers=stranger.headers).status_code == 404
    assert access.listed(stranger.user_id)[1] == 0


def test_what_left_and_is_not_kept_is_named(
    person: Callable[[str], Person], case: Make, vendor: Stub, setting: Callable[..., None]
) -> None:
    one = case()
    vendor.mode = "refusal"
    one.run("llm.facts")
    vendor.mode = "honest"
    one.run("llm.traits")
    setting(llm_recordings=False)
    one.run("llm.style")
    said = person(one.user).call("GET", f"/data/packages/{one.package_id}/sent").get_json()
    assert [row["analyzer"] for row in said["data"]] == ["llm.traits"]
    assert [(row["analyzer"], row["outcome"]) for row in said["unrecorded"]] == [
        ("llm.facts", "refused"),
        ("llm.style", "answered"),
    ]
    assert (said["unrecordedTotal"], said["pagination"]["total"]) == (2, 2)
    with transaction() as connection:
        mine = (LlmCall.package_id == one.package_id, LlmCall.outcome == "refused")
        connection.execute(update(LlmCall).where(*mine).values(outcome="open"))
    shown = CliRunner().invoke(cli, ["sent", str(one.package_id)])
    assert (shown.exit_code, shown.stdout.count("[P] ") > 0) == (0, True), shown.output
    assert "facts.v1 -> claude-sonnet-5-5, part 1: no answer yet" in shown.stderr
    assert "style.v1 -> claude-sonnet-5-5, part 1: not kept" in shown.stderr


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-sonnet-5-5"])
@pytest.mark.usefixtures("vendor")
def test_what_a_repetition_asked_is_named_be_it_of_the_same_model(case: Make, model: str) -> None:
    one = case()
    one.run("llm.facts")
    replay(one.run_id, model)
    first, second = one.calls()
    assert first.question == second.question != ""
    found = sent(one.user, one.package_id)
    assert ([row["model"] for row in found["data"]], found["total"]) == (["claude-sonnet-5-5"], 2)
    assert [row["askedAt"] for row in found["data"]] == [first.asked_at.isoformat()]
    (other,) = found["unrecorded"]
    assert (other["model"], other["outcome"]) == (model, "answered")
    assert other["askedAt"] == second.asked_at.isoformat()
    # Each page says of its own calls what became of them.
    assert sent(one.user, one.package_id, limit=1)["unrecorded"] == []
    assert sent(one.user, one.package_id, limit=1, offset=1) == {**found, "data": []}


@pytest.mark.usefixtures("vendor")
def test_a_page_opens_its_own_recordings_and_no_others(case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = case()
    for analyzer in ("llm.facts", "llm.traits", "llm.style"):
        one.run(analyzer)
    opened: list[str] = []
    real = PackageVault.stream

    def noted(vault: PackageVault, object_key: str) -> Iterator[bytes]:
        opened.append(object_key)
        return real(vault, object_key)

    monkeypatch.setattr(PackageVault, "stream", noted)
    (row,) = sent(one.user, one.package_id, limit=1, offset=1)["data"]
    assert (row["analyzer"], len(opened)) == ("llm.traits", 1)


@pytest.mark.usefixtures("vendor")
def test_calls_of_before_the_ledger_knew_the_question_are_found_by_their_answers(case: Make) -> None:
    one = case()
    one.run("llm.facts")
    replay(one.run_id, "claude-sonnet-4-6")
    before = sent(one.user, one.package_id)
    with transaction() as connection:
        connection.execute(update(LlmCall).where(LlmCall.package_id == one.package_id).values(question=""))
    assert sent(one.user, one.package_id) == before
    assert len(before["data"]) == 1


def test_what_is_not_on_record_is_counted_and_its_newest_named(
    case: Make, vendor: Stub, setting: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_UNRECORDED", 2)
    setting(llm_recordings=False)
    one = case()
    one.run("llm.style")
    vendor.mode = "refusal"
    for analyzer in ("llm.facts", "llm.traits"):
        one.run(analyzer)
    found = sent(one.user, one.package_id)
    # An answered call is named on its page alone, and therefore before those of every page.
    assert [(row["analyzer"], row["outcome"]) for row in found["unrecorded"]] == [
        ("llm.style", "answered"),
        ("llm.traits", "refused"),
    ]
    assert (found["data"], found["unrecordedTotal"]) == ([], 3)
    pagers: list[object] = []
    monkeypatch.setattr("click.echo_via_pager", pagers.append)
    shown = CliRunner().invoke(cli, ["sent", str(one.package_id)])
    assert (shown.exit_code, shown.stdout, pagers) == (0, "", []), shown.output
    assert "1 earlier calls are not on record either" in shown.stderr


def test_the_command_line_shows_prompts_and_instructions_that_are_not_theirs(
    case: Make, vendor: Stub, setting: Callable[..., None]
) -> None:
    setting(llm_ask_twice=1.0)
    one = case()
    vendor.mode = "once-garbage"
    one.run("llm.facts")
    shown = CliRunner().invoke(cli, ["sent", str(one.package_id)])
    assert shown.exit_code == 0, shown.output
    assert "llm.facts, facts.v1 -> claude-sonnet-5-5, part 1 of 1, once more for its form" in shown.stdout
    assert "Your last answer did not have the agreed form" in shown.stdout
    assert "llm.facts, again.v1 -> claude-sonnet-5-5, part 1 of 1" in shown.stdout
    # The claims that are asked about are what the vendor itself had said.
    assert '"Works as a nurse"' in shown.stdout
    plain = case()
    vendor.mode = "honest"
    setting(llm_ask_twice=0.0)
    plain.run("llm.facts")
    assert shipped("facts.v1").text not in CliRunner().invoke(cli, ["sent", str(plain.package_id)]).stdout


@pytest.mark.usefixtures("vendor")
def test_costs_over_http_are_those_of_the_ledger(person: Callable[[str], Person], case: Make) -> None:
    one = case()
    for lane in one.lanes:
        one.run(lane.removeprefix("llm:"))
    one.finish()
    me = person(one.user)
    said = me.call("GET", "/costs?limit=1").get_json()
    expected = spending.of_person(one.user, limit=1)
    assert (said["total"], said["month"], said["currency"]) == (expected["total"], expected["month"], "USD")
    assert [trait["cost"] for trait in said["traits"]] == [trait["cost"] for trait in expected["traits"]]
    assert said["runs"][0]["runID"] == str(one.run_id)
    # Nothing that the service says is left undescribed.
    assert said.keys() == expected.keys()
    for part in ("analyzers", "runs", "traits"):
        assert said[part][0].keys() == expected[part][0].keys()
    assert said["runs"][0]["steps"][0].keys() == expected["runs"][0]["steps"][0].keys()
    refused(me.call("GET", "/costs?limit=0"), 422)
    assert access.listed(one.user, limit=9)[0][0]["action"] == "read_traits"


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    file = tmp_path / "letters.txt"
    file.write_text(LETTER)
    return file


def test_the_vendor_counts_what_it_would_be_asked(vendor: Stub, letters: Path) -> None:
    asked = ["analyze", "--dry-run", "--json", "--consent", VENDOR, str(letters)]
    (estimated,) = json.loads(CliRunner().invoke(cli, asked).stdout)["data"]
    assert (estimated["counted"], vendor.requests) == (False, [])
    told = CliRunner().invoke(cli, [*asked, "--count"])
    assert told.exit_code == 0, told.output
    assert "redacted" in told.stderr
    (counted,) = json.loads(told.stdout)["data"]
    assert {call.path for call in vendor.requests} == {"/v1/messages/count_tokens"}
    assert len(vendor.requests) == counted["questions"] == 6
    assert counted["counted"] is True
    assert counted["tokens"] == pytest.approx(estimated["tokens"], rel=0.3)
    assert counted["tokens"] != estimated["tokens"]
    assert counted["costAtMost"] == estimated["costAtMost"]


def test_nothing_leaves_to_be_counted_without_the_vendors_scope_or_a_key(
    vendor: Stub, letters: Path, setting: Callable[..., None]
) -> None:
    local = ["analyze", "--dry-run", "--count", "--consent", "analyse:text:local", str(letters)]
    told = CliRunner().invoke(cli, local)
    assert (told.exit_code, "nothing would be sent" in told.stdout, told.stderr) == (0, True, "")
    setting(anthropic_api_key=SecretStr(""))
    without = CliRunner().invoke(cli, ["analyze", "--dry-run", "--count", "--consent", VENDOR, str(letters)])
    assert without.exit_code == 1
    assert "ECHO_ANTHROPIC_API_KEY" in str(without.exception)
    assert vendor.requests == []


@pytest.mark.usefixtures("vendor")
def test_a_vendor_that_does_not_count_is_said_in_a_sentence(letters: Path, setting: Callable[..., None]) -> None:
    setting(llm_models=table(letters.parent, "nobodys-model"), anthropic_model="nobodys-model")
    told = CliRunner().invoke(cli, ["analyze", "--dry-run", "--count", "--consent", VENDOR, str(letters)])
    assert told.exit_code == 1
    assert EXPLAINED[VendorErrorKind.NOT_FOUND] in told.stdout


def test_a_vendor_that_does_not_count_one_file_leaves_the_figures_of_the_others(
    vendor: Stub, letters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = letters.with_name("other.txt")
    other.write_text(LETTER.replace("nurse", "uncountable"))
    real = stub_anthropic.Handler._api

    def choosy(handler: stub_anthropic.Handler, body: dict[str, Any]) -> None:
        if "uncountable" in json.dumps(body):
            return handler._error(400, "invalid_request_error", "as ordered")
        return real(handler, body)

    monkeypatch.setattr(stub_anthropic.Handler, "_api", choosy)
    files = [str(other), str(letters)]
    told = CliRunner().invoke(cli, ["analyze", "--dry-run", "--count", "--json", "--consent", VENDOR, *files])
    assert told.exit_code == 1
    failed, counted = json.loads(told.stdout)["data"]
    assert (failed["file"], failed["reason"]["code"]) == (str(other), "vendor_unavailable")
    assert failed["reason"]["details"] == {"kind": "invalid_request"}
    assert (counted["file"], counted["reason"], counted["counted"]) == (str(letters), None, True)
