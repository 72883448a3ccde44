"""Budgets to the cent, one payment a question, limits that all workers share, answers that nobody wants any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, update

from app.analyzers.llm.analyse import requests
from app.database import engine, transaction
from app.models import LlmBreaker, LlmCall, UserDataPackage
from app.services import consents, packages
from app.services.analyse import run_lane
from app.services.claims import lane_lock
from app.services.layers import load_main_layer
from app.services.llm import breaker, ledger, recordings, slots, vendors
from app.services.planning import now
from app.vault import PackageVault
from config.settings import settings
from tests import stub_anthropic
from tests.integration.llm.conftest import KEY, VENDOR, Case, table
from tests.stub_anthropic import Stub

Make = Callable[..., Case]
Setting = Callable[..., None]
WINDOW = {"llm.facts": {"window": 400}}
MODEL = "claude-sonnet-5-5"


def worst_cases(one: Case) -> list[Decimal]:
    with transaction() as connection:
        found = load_main_layer(connection, one.user, one.package_id)
    assert found is not None
    return [vendors.worst(request, MODEL) for request in requests(found[1], {"task": "facts", **WINDOW["llm.facts"]})]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@contextmanager
def all_slots_taken() -> Iterator[None]:
    with engine().connect() as other, slots.slot(other, "anthropic", vendors.key_digest(), lambda: False) as held:
        assert held
        yield


@pytest.fixture
def priced(setting: Setting, tmp_path: Path) -> None:
    setting(llm_models=table(tmp_path, MODEL), analyzer_options=WINDOW)


@pytest.mark.usefixtures("priced")
def test_a_budget_lets_the_last_call_through_that_fits_and_not_the_next_cent(
    case: Make, vendor: Stub, setting: Setting
) -> None:
    free = case()
    assert free.run().state == "done"
    costs, worst = [call.cost for call in free.calls()], worst_cases(free)
    assert len(costs) > 3
    least = Decimal("0.00000001")
    for budget, expected in ((costs[0] + costs[1] + worst[2] - least, 2), (costs[0] + costs[1] + worst[2], 3)):
        setting(llm_budget_run=budget)
        vendor.cache.clear()
        one = case()
        step = one.run()
        assert (step.state, step.reason["code"], step.reason["details"]["budget"]) == (
            "failed",
            "budget_exhausted",
            "run",
        )
        assert [call.cost for call in one.calls()] == costs[:expected]
        assert sum(costs[:expected]) <= budget
        ended = one.status()
        assert ended["cost"]["amount"] == pytest.approx(float(sum(costs[:expected])))


@pytest.mark.usefixtures("priced")
def test_a_persons_month_counts_all_their_runs_and_no_month_before(case: Make, setting: Setting, vendor: Stub) -> None:
    before = case()
    before.run()
    spent = sum(call.cost for call in before.calls())
    setting(llm_budget_person_month=spent + worst_cases(before)[0] - Decimal("0.00000001"))
    stopped = case().run()
    assert (stopped.reason["code"], stopped.reason["details"]["budget"]) == ("budget_exhausted", "person_month")
    with transaction() as connection:
        assert ledger.spent_this_month(connection, before.user) == spent
        last = ledger.month() - timedelta(seconds=1)
        connection.execute(update(LlmCall).where(LlmCall.user_id == before.user).values(asked_at=last))
    case().run()
    with transaction() as connection:
        assert 0 < ledger.spent_this_month(connection, before.user) <= settings().llm_budget_person_month


def test_a_call_waits_while_others_hold_what_is_left_of_the_budget(case: Make, vendor: Stub, setting: Setting) -> None:
    one = case()
    with transaction() as connection:
        found = load_main_layer(connection, one.user, one.package_id)
    assert found is not None
    # Room for one worst case at a time, and for all that is really spent.
    setting(llm_budget_run=vendors.worst(requests(found[1], {"task": "traits"})[0], MODEL) * Decimal("1.4"))
    vendor.latency_s = 0.2
    threads = [in_thread(lambda lane=lane: run_lane(one.run_id, lane)) for lane in one.lanes]
    for thread in threads:
        thread.join(20)
    assert {one.step(lane.removeprefix("llm:")).state for lane in one.lanes} == {"done"}


@pytest.mark.parametrize(("point", "questions"), [("llm.recorded", 1), ("lane.worked", 1), ("llm.asked", 1)])
def test_a_worker_killed_after_the_answer_does_not_pay_twice(
    point: str, questions: int, case: Make, vendor: Stub, home: Path
) -> None:
    one = case()
    (home / f"failpoint-{point}").unlink(missing_ok=True)
    environment = {
        **os.environ,
        "ECHO_FAILPOINT": point,
        "ECHO_ANTHROPIC_API_KEY": KEY,
        "ECHO_ANTHROPIC_BASE_URL": vendor.url,
    }
    code = f"from app.services.analyse import run_lane, UUID; run_lane(UUID('{one.run_id}'), 'llm:llm.facts')"
    command = [sys.executable, "-c", code]
    died = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert one.step().state == "running"
    step = one.run()
    assert (step.state, step.attempts, len(vendor.messages)) == ("done", 2, questions)
    paid = [call for call in one.calls() if call.outcome == "answered"]
    assert len(paid) == 1
    assert paid[0].cost == vendors.price(
        ledger.Usage(paid[0].input_tokens, paid[0].output_tokens, paid[0].cache_write_tokens, paid[0].cache_read_tokens)
    )


@pytest.mark.usefixtures("vendor")
def test_an_earlier_call_whose_worker_died_without_an_answer_keeps_its_worst_case(case: Make) -> None:
    one = case()
    assert one.run().state == "done"
    (answered,) = one.calls()
    worst, earlier = Decimal("0.5"), answered.asked_at - timedelta(seconds=9)
    lost = {**answered._asdict(), "call_id": uuid4(), "outcome": "open", "cost": worst, "asked_at": earlier}
    asker = ledger.Asker(
        package_id=one.package_id, run_id=one.run_id, step_id=answered.step_id, user_id=one.user,
        vendor="anthropic", model=MODEL,
    )  # fmt: skip
    (kept,) = recordings.all_of(vault_of(one))
    for outcome in ("answered", "open"):
        with transaction() as connection:
            connection.execute(delete(LlmCall).where(LlmCall.call_id == lost["call_id"]))
            connection.execute(insert(LlmCall), lost)
            mine = LlmCall.call_id == answered.call_id
            connection.execute(update(LlmCall).where(mine).values(outcome=outcome))
            ledger.settle_lost(connection, asker, kept.request, kept.answer, answered.cost)
        assert [(call.outcome, call.cost) for call in one.calls()] == [("open", worst), ("answered", answered.cost)]


def vault_of(one: Case) -> PackageVault:
    with transaction() as connection:
        return recordings.vault(connection, one.package_id)


def test_the_breaker_opens_after_failures_in_a_row_and_is_shared(case: Make, vendor: Stub) -> None:
    one = case()
    vendor.mode = "500"
    for lane in one.lanes[: breaker.FAILURES]:
        one.run(lane.removeprefix("llm:"))
    asked = len(vendor.messages)
    assert asked == breaker.FAILURES
    last = one.lanes[breaker.FAILURES].removeprefix("llm:")
    step = one.run(last)
    assert (step.state, step.waits, len(vendor.messages)) == ("pending", 0, asked)
    assert step.reason["details"] == {"kind": "not_now", "tries": 0}
    other = case()
    assert (other.run().state, len(vendor.messages)) == ("pending", asked)
    vendor.mode = "honest"
    with transaction() as connection:
        connection.execute(update(LlmBreaker).values(open_until=now() - timedelta(seconds=1)))
    one.due(last)
    assert one.run(last).state == "done"
    with transaction() as connection:
        row = connection.execute(select(LlmBreaker.failures, LlmBreaker.open_until)).one()
    assert tuple(row) == (0, None)


def test_while_one_call_tries_an_open_breaker_nobody_else_does(vendor: Stub) -> None:
    digest = vendors.key_digest()
    with transaction() as connection:
        for _ in range(breaker.FAILURES):
            breaker.failed(connection, "anthropic", digest, None)
        assert breaker.admitted(connection, "anthropic", digest) is not None
        connection.execute(update(LlmBreaker).values(open_until=now() - timedelta(seconds=1)))
    with transaction() as connection:
        assert breaker.admitted(connection, "anthropic", digest) is None
    with transaction() as connection:
        assert breaker.admitted(connection, "anthropic", digest) is not None


def test_the_wait_that_a_vendor_asks_for_holds_for_everybody(case: Make, vendor: Stub) -> None:
    vendor.mode = "429"
    case().run()
    assert case().run().reason["details"]["kind"] == "not_now"
    assert len(vendor.messages) == 1


def test_six_threads_never_make_more_calls_at_a_time_than_all_workers_may(
    case: Make, vendor: Stub, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(llm_concurrency=2, llm_deadline_s=20.0)
    vendor.latency_s = 0.3
    lock, flying, most = threading.Lock(), [0], [0]
    real = stub_anthropic.Handler._answer

    def counted(handler: Any, mode: str, body: dict[str, Any]) -> None:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        try:
            real(handler, mode, body)
        finally:
            with lock:
                flying[0] -= 1

    monkeypatch.setattr(stub_anthropic.Handler, "_answer", counted)
    one = case()
    threads = [in_thread(lambda lane=lane: run_lane(one.run_id, lane)) for lane in one.lanes]
    for thread in threads:
        thread.join(30)
    assert {one.step(lane.removeprefix("llm:")).state for lane in one.lanes} == {"done"}
    assert (len(one.lanes), most[0]) == (6, 2)


def test_no_slot_is_left_taken(case: Make, vendor: Stub, setting: Setting) -> None:
    setting(llm_concurrency=1)
    case().run()
    vendor.mode = "500"
    case().run()
    with all_slots_taken():
        pass


@pytest.mark.parametrize("how", ["cancel", "revoke"])
def test_a_call_that_nobody_wants_any_more_ends_within_two_seconds(
    how: str, case: Make, vendor: Stub, setting: Setting
) -> None:
    setting(llm_deadline_s=60.0)
    one = case()
    vendor.mode = "hang"
    thread = in_thread(lambda: run_lane(one.run_id, "llm:llm.facts"))
    until = time.monotonic() + 10
    while not vendor.messages and time.monotonic() < until:
        time.sleep(0.02)
    begun = time.monotonic()
    if how == "cancel":
        packages.cancel(one.user, one.package_id)
    else:
        token = UUID(str(consent_of(one)))
        consents.revoke(one.user, token)
    thread.join(10)
    took = time.monotonic() - begun
    assert not thread.is_alive()
    assert took < 2.5
    assert one.step().state == ("cancelled" if how == "cancel" else "denied")
    assert [call.outcome for call in one.calls()] == ["cancelled"]


def consent_of(one: Case) -> UUID:
    with transaction() as connection:
        found: UUID = connection.execute(
            select(UserDataPackage.consent_token_id).where(UserDataPackage.package_id == one.package_id)
        ).scalar_one()
    return found


def test_consent_that_ends_between_plan_and_call_lets_nothing_out(case: Make, vendor: Stub, setting: Setting) -> None:
    setting(llm_concurrency=1)
    for when in ("before the claim", "before the call"):
        one = case()
        if when == "before the claim":
            consents.revoke(one.user, consent_of(one))
            for lane in one.lanes:
                run_lane(one.run_id, lane)
        else:
            with all_slots_taken():
                thread = in_thread(lambda one=one: run_lane(one.run_id, "llm:llm.facts"))
                until = time.monotonic() + 10
                while one.step().state != "running" and time.monotonic() < until:
                    time.sleep(0.02)
                consents.revoke(one.user, consent_of(one))
            thread.join(10)
        assert one.step().state == "denied"
    assert vendor.requests == []


def test_recordings_are_of_the_vault_and_go_with_the_package(case: Make, vendor: Stub, home: Path) -> None:
    one = case()
    one.run()
    (kept,) = recordings.all_of(vault_of(one))
    assert kept.request.document in vendor.messages[0]["messages"][0]["content"][0]["source"]["data"]
    assert (kept.analyzer, kept.model, kept.run_id) == ("llm.facts", MODEL, one.run_id)
    (path,) = (home / "objects").rglob(f"*/{one.package_id}/llm-*")
    assert b"nurse" not in path.read_bytes()


def test_the_lane_needs_no_second_connection(case: Make, vendor: Stub) -> None:
    one = case()
    with lane_lock(one.run_id, "somebody else's") as _:
        before = engine().pool.checkedout()  # type: ignore[attr-defined]  # of a QueuePool
        most = [0]
        vendor.latency_s = 0.3
        thread = in_thread(lambda: run_lane(one.run_id, "llm:llm.facts"))
        while thread.is_alive():
            most[0] = max(most[0], engine().pool.checkedout() - before)  # type: ignore[attr-defined]  # as above
            time.sleep(0.005)
    assert most[0] == 1
    assert one.step().scope == VENDOR
