"""In bulk, what is asked twice travels in a second batch, and comes to the same."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.analyzers.llm.prompts import AGAIN
from app.services.llm.replay import replay
from tests.integration.llm.bulk import Bulk, Setting, at_once, bulk
from tests.stub_anthropic import Stub

__all__ = ["at_once", "bulk"]


def test_the_further_questions_of_all_windows_travel_in_one_batch_more(
    bulk: Callable[..., Bulk], vendor: Stub, setting: Setting
) -> None:
    setting(llm_ask_twice=1.0, analyzer_options={"llm.facts": {"window": 700}})
    one = bulk(1)
    before, questions = (one.features(), one.candidates()), len(vendor.messages)
    usual = sum(call.cost for call in one.calls())
    one.again()
    one.to_the_end()
    assert {step.state for step in one.steps()} == {"done"}
    assert one.candidates() == before[1]
    assert len(vendor.messages) == questions == len(vendor.batches.asked)
    assert len(vendor.batches.created) == 2
    windows = [call.window for call in one.calls() if call.prompt == AGAIN and call.bulk]
    assert max(windows) > 0
    assert 0 < sum(call.cost for call in one.calls()) < usual
    run_id = UUID(str(one.cases[0].status()["runID"]))
    assert {(found.equal, found.compared, found.trouble) for found in replay(run_id)} == {(True, "run", "")}
