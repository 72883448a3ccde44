"""Merge: from stored features to candidates, whatever the number, order and company of merges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select, update

from app.consent import revoke
from app.database import engine, transaction
from app.features import feature_set_id
from app.layers import Segment, TextLayer, digest
from app.models import CandidateContribution, ExtractedTraitCandidate, PackageKey, Run
from app.services import proposals, review
from app.services.candidates import IN_LIST, list_candidates
from app.services.contributions import look_up
from app.services.ending import EndedStep, ending
from app.services.layers import forget
from app.services.merge import merge
from app.traits.candidates import Contribution
from app.traits.combining import MOST_COMBINED
from app.traits.confidence import assess
from app.vocabulary import ClaimKind, Phase, ReasonCode, RunStatus, SegmentKind, StepStatus
from tests.integration.persona import ANALYZER, WORDS, Person, dump, failed, finding

QUESTIONS = "habit:questions:high"
THANKS = "I thank you for the book."
NURSE = {"key": "fact:occupation:printer", "name": "Works as a printer", "claim_kind": "stated", "category": "Skill",
         "evidence": ["I work as a printer in a small town."]}  # fmt: skip


def test_features_become_candidates_with_proven_evidence_and_the_run_ends_done(person: Person) -> None:
    package = person.package()
    run = person.analysed(package, finding(), finding(**NURSE))
    outcome = merge(run)
    assert (outcome.state, outcome.candidates, outcome.evidence, outcome.unproven) == (RunStatus.DONE, 2, 4, {})
    row = person.candidates()[QUESTIONS]
    assert row.trait_name == "Asks a lot of questions"
    assert row.status == "candidate"
    assert row.originating_models == ["test-model"]
    assert row.confidence["shown"] == row.confidence_score
    assert sum(item["value"] for item in row.confidence["explain"]) == pytest.approx(row.confidence_score, abs=1e-9)
    assert {piece.verified_by for piece in person.evidence()} == {"exact"}
    assert person.outbox() == ["merge"]
    ended = person.run(run)
    assert (ended.state, ended.phase, ended.reason) == ("done", "ended", None)
    assert ended.finished_at is not None


def test_no_sentence_of_the_person_is_in_any_table(person: Person) -> None:
    private = "My grandmother hid the silver under the third apple tree. "
    package = person.package(private + WORDS)
    merge(person.analysed(package, finding(evidence=[private.strip()])))
    assert len(person.evidence()) == 1
    assert "hid the silver" not in dump()
    assert digest(private.strip()) in dump()


def test_a_repeated_merge_changes_nothing(person: Person) -> None:
    run = person.analysed(person.package(), finding())
    merge(run)
    before = person.candidates(), person.evidence(), person.run(run)
    for _ in range(3):
        assert merge(run).candidates == 0
    assert (person.candidates(), person.evidence(), person.run(run)) == before
    assert person.outbox() == ["merge"]


def test_analysing_again_with_the_same_findings_leaves_candidates_as_they_are(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    before = person.candidates(), person.evidence()
    merge(person.analysed(package, finding()))
    assert (person.candidates(), person.evidence()) == before
    assert person.outbox() == ["merge"]


def test_merges_of_one_run_in_parallel_end_as_one(person: Person) -> None:
    run = person.analysed(person.package(), finding(), finding(**NURSE))
    with ThreadPoolExecutor(4) as pool:
        outcomes = [*pool.map(merge, [run] * 8)]
    assert sorted(outcome.candidates for outcome in outcomes) == [0] * 7 + [2]
    assert len(person.candidates()) == 2
    assert len(person.evidence()) == 4


def test_packages_merged_in_parallel_lose_no_contribution(person: Person) -> None:
    packages = [person.package() for _ in range(8)]
    both = [finding(certainty=0.6), finding(**NURSE)]
    runs = [person.analysed(package, *(both if n % 2 else both[::-1])) for n, package in enumerate(packages)]
    with ThreadPoolExecutor(4) as pool:
        assert all(outcome.candidates == 2 for outcome in pool.map(merge, runs))
    for row in person.candidates().values():
        assert set(person.contributions(row)) == set(packages)
        assert len(row.feature_set_ids) == 8


def test_the_order_of_packages_does_not_matter(postgres: object, person: Person) -> None:
    ends = set()
    for order in permutations(range(3)):
        somebody = Person()
        runs = [
            somebody.analysed(somebody.package(), finding(certainty=certainty, name=f"Asks questions {certainty}"))
            for certainty in (0.6, 0.7, 0.95)
        ]
        for index in order:
            merge(runs[index])
        (row,) = somebody.candidates().values()
        ends.add((row.confidence_score, row.rank, row.trait_name, str(row.confidence)))
    assert len(ends) == 1


@pytest.mark.parametrize(("phase", "state"), [(Phase.PERCEIVE, StepStatus.DONE), (Phase.INTERPRET, StepStatus.RUNNING)])
def test_a_merge_that_comes_too_early_does_nothing(person: Person, phase: Phase, state: StepStatus) -> None:
    run = person.analysed(
        person.package(), finding(), steps=[{"analyzer": "text.late", "state": str(state)}], phase=phase
    )
    assert merge(run).state is RunStatus.RUNNING
    assert person.candidates() == {}
    assert person.run(run).state == "running"


def test_a_merge_of_an_unknown_run_does_nothing(person: Person) -> None:
    assert merge(uuid4()).state is None


def test_a_cancelled_run_stays_cancelled_and_proposes_nothing(person: Person) -> None:
    run = person.analysed(person.package(), finding())
    with transaction() as connection:
        connection.execute(update(Run).where(Run.run_id == run).values(state="cancelled"))
    assert merge(run).state is RunStatus.CANCELLED
    assert person.candidates() == {}


def test_what_a_later_analysis_no_longer_finds_is_archived(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding(), finding(**NURSE)))
    merge(person.analysed(package, finding(**NURSE)))
    rows = person.candidates()
    assert rows[QUESTIONS].status == "archived_auto_superseded"
    assert rows[NURSE["key"]].status == "candidate"
    assert {piece.candidate_id for piece in person.evidence()} == {rows[NURSE["key"]].candidate_id}
    merge(person.analysed(package, finding()))
    assert person.candidates()[QUESTIONS].status == "candidate"


def test_a_candidate_stays_while_another_package_supports_it(person: Person) -> None:
    first, second = person.package(), person.package()
    merge(person.analysed(first, finding(certainty=0.7)))
    alone = person.candidates()[QUESTIONS].confidence_score
    merge(person.analysed(second, finding(certainty=0.8)))
    both = person.candidates()[QUESTIONS].confidence_score
    merge(person.analysed(second))
    row = person.candidates()[QUESTIONS]
    assert both > alone == row.confidence_score
    assert row.status == "candidate"
    assert person.contributions(row) == [first]


def test_an_older_run_that_comes_late_changes_nothing(person: Person) -> None:
    package = person.package()
    older = person.analysed(package, steps=[{"analyzer": ANALYZER, "state": str(StepStatus.SKIPPED)}])
    newer = person.analysed(package, finding())
    merge(newer)
    assert merge(older).state is RunStatus.DONE
    assert person.candidates()[QUESTIONS].status == "candidate"
    assert len(person.evidence()) == 3


def test_what_rests_on_an_analysis_that_failed_this_time_is_kept(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    mine = person.candidates()[QUESTIONS].feature_set_ids[0]
    again = person.analysed(package, steps=[failed(ANALYZER, ReasonCode.WORKER_LOST, feature_set_id=mine)])
    outcome = merge(again)
    assert outcome.state is RunStatus.PARTIAL
    assert person.candidates()[QUESTIONS].status == "candidate"
    assert len(person.evidence()) == 3


def test_a_later_analysis_that_comes_to_nothing_leaves_the_earlier_ones_findings(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    unread = failed("text.read", ReasonCode.CORRUPT, phase=str(Phase.PERCEIVE))
    nothing = {"analyzer": ANALYZER, "state": str(StepStatus.SKIPPED)}
    assert merge(person.analysed(package, steps=[unread, nothing])).state is RunStatus.REJECTED
    assert person.candidates()[QUESTIONS].status == "candidate"


def test_an_invented_quotation_is_dropped_and_counted(person: Person) -> None:
    invented = finding("habit:lies:high", "Invents things", evidence=["I am the king of Spain."])
    outcome = merge(person.analysed(person.package(), finding(), invented))
    assert outcome.unproven == {ANALYZER: 1}
    assert [*person.candidates()] == [QUESTIONS]


def test_words_of_others_are_no_evidence(person: Person) -> None:
    quoted = TextLayer(WORDS, segments=(Segment(0, len(WORDS), SegmentKind.QUOTATION),))
    outcome = merge(person.analysed(person.package(layer=quoted), finding()))
    assert outcome.candidates == 0
    assert person.candidates() == {}


def test_a_text_of_somebody_else_proposes_nothing(person: Person) -> None:
    assert merge(person.analysed(person.package(authorship="other"), finding())).candidates == 0


def test_an_erased_package_proposes_nothing_and_the_run_ends(person: Person) -> None:
    package = person.package()
    run = person.analysed(package, finding())
    with transaction() as connection:
        connection.execute(PackageKey.__table__.delete().where(PackageKey.package_id == package))
    forget(person.user_id)
    assert merge(run).state is RunStatus.DONE
    assert person.candidates() == {}


def test_without_consent_nothing_is_stored_whatever_was_found(person: Person) -> None:
    run = person.analysed(person.package(), finding())
    with transaction() as connection:
        revoke(connection, person.user_id, person.consent)
    outcome = merge(run)
    assert outcome.state is RunStatus.DENIED
    assert person.run(run).reason["code"] == "consent_denied"
    assert person.candidates() == {}


def test_what_was_found_under_a_scope_that_consent_no_longer_covers_is_left_out(person: Person) -> None:
    package = person.package()
    mine = feature_set_id(package, ANALYZER, "1")
    uncovered = {"analyzer": ANALYZER, "scope": "analyse:audio:local", "feature_set_id": mine}
    run = person.analysed(package, finding(), steps=[uncovered])
    assert merge(run).state is RunStatus.PARTIAL
    assert person.run(run).reason["code"] == "consent_denied"
    assert person.candidates() == {}


def test_revoking_and_merging_at_the_same_moment_neither_deadlocks_nor_stores_afterwards(
    postgres: object, person: Person
) -> None:
    people = [Person() for _ in range(6)]
    runs = [somebody.analysed(somebody.package(), finding()) for somebody in people]

    def take_back(somebody: Person) -> None:
        with transaction() as connection:
            revoke(connection, somebody.user_id, somebody.consent)

    with ThreadPoolExecutor(4) as pool:
        merged = [pool.submit(merge, run) for run in runs]
        revoked = [pool.submit(take_back, somebody) for somebody in people]
        outcomes = [future.result(30) for future in merged]
        assert all(future.result(30) is None for future in revoked)
    for somebody, outcome in zip(people, outcomes, strict=True):
        assert outcome.state in {RunStatus.DONE, RunStatus.DENIED}
        assert bool(somebody.candidates()) == (outcome.state is RunStatus.DONE)


def test_a_rule_that_fails_costs_only_what_it_would_have_found(person: Person) -> None:
    run = person.analysed(person.package(), features={"signals": [finding(), {"key": "broken"}]})
    outcome = merge(run)
    assert outcome.state is RunStatus.PARTIAL
    assert person.run(run).reason["details"] == {"analyzer": ANALYZER}
    assert [*person.candidates()] == [QUESTIONS]


def test_evidence_in_seconds_alone_needs_no_text(person: Person) -> None:
    pause = {"start": -1, "end": -1, "start_time": 2.0, "end_time": 3.5, "label": "long pause"}
    merge(person.analysed(person.package(), finding("voice:pauses:long", "Leaves long pauses", evidence=[pause])))
    (piece,) = person.evidence()
    assert (piece.type, piece.verified_by, piece.text_layer_id, piece.sha256) == ("audio_segment", "measured", None, "")
    assert piece.locator == {"startTime": 2.0, "endTime": 3.5}


def test_a_decided_candidate_gains_evidence_and_keeps_name_figure_and_status(person: Person) -> None:
    merge(person.analysed(person.package(), finding(certainty=0.7)))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    merge(person.analysed(person.package(), finding(name="Cannot stop asking", certainty=0.99)))
    after = person.candidates()[QUESTIONS]
    kept = ("trait_name", "trait_description", "confidence", "confidence_score", "rank", "trait_category")
    assert [getattr(after, name) for name in kept] == [getattr(row, name) for name in kept]
    assert after.status == "confirmed_by_user"
    assert len(person.contributions(after)) == 2
    assert len(person.evidence()) == 6
    assert not after.new_evidence_against


def test_the_statement_that_shapes_our_candidates_cannot_touch_a_decided_one(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    before = person.candidates()[QUESTIONS]
    with transaction() as connection:
        proposals._write(connection, [{**before._mapping, "trait_name": "x", "status": "candidate"}], proposals._OURS)
    assert person.candidates()[QUESTIONS] == before


def test_a_confirmed_trait_survives_an_analysis_that_no_longer_finds_it(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    merge(person.analysed(package))
    assert person.candidates()[QUESTIONS].status == "confirmed_by_user"
    assert len(person.evidence()) == 3


def test_counter_evidence_after_a_confirmation_is_flagged(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    merge(person.analysed(person.package(), finding(counter=["I thank you for the book."])))
    after = person.candidates()[QUESTIONS]
    assert (after.status, after.new_evidence_against) == ("confirmed_by_user", True)
    assert [piece.counter for piece in person.evidence()].count(True) == 1


def test_the_contrary_of_a_confirmed_habit_is_evidence_against_it_and_no_candidate(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    merge(person.analysed(person.package(), finding("habit:questions:low", "Asks few questions")))
    assert [*person.candidates()] == [QUESTIONS]
    after = person.candidates()[QUESTIONS]
    assert after.new_evidence_against
    assert after.confidence_score == row.confidence_score
    undone = review.act(person.user_id, row.candidate_id, {"undo": True})["candidate"]
    assert undone["status"] == "candidate"
    assert undone["confidenceScore"] < row.confidence_score


def test_disliking_what_was_confirmed_as_liked_is_evidence_against_it(person: Person) -> None:
    liked = finding("fact:like:chess", "Likes chess", claim_kind="stated", category="Interest")
    merge(person.analysed(person.package(), liked))
    row = person.candidates()["fact:like:chess"]
    review.act(person.user_id, row.candidate_id, {"userDecision": "confirmed_asis"})
    merge(person.analysed(person.package(), {**liked, "name": "Hates chess"}))
    assert [*person.candidates()] == ["fact:like:chess"]
    assert person.candidates()["fact:like:chess"].new_evidence_against


def test_liking_in_one_package_and_disliking_in_another_are_two_candidates(person: Person) -> None:
    liked = finding("fact:like:chess", "Likes chess", claim_kind="stated", category="Interest")
    merge(person.analysed(person.package(), liked))
    merge(person.analysed(person.package(), {**liked, "name": "Hates chess"}))
    with transaction() as connection:
        names = select(ExtractedTraitCandidate.trait_name).where(ExtractedTraitCandidate.user_id == person.user_id)
        assert sorted(connection.execute(names).scalars()) == ["Hates chess", "Likes chess"]


@pytest.mark.parametrize(
    ("key", "name"),
    [(QUESTIONS, "Asks a lot of questions"), ("habit:question:often", "Puts question after question"),
     ("llm:curiosity", "Often asks questions")],
)  # fmt: skip
def test_a_rejected_trait_does_not_come_back_under_a_synonym(person: Person, key: str, name: str) -> None:
    merge(person.analysed(person.package(), finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "rejected", "rejectionReason": "not me"})
    merge(person.analysed(person.package(), finding(key, name, certainty=0.99)))
    assert [*person.candidates()] == [QUESTIONS]
    after = person.candidates()[QUESTIONS]
    assert (after.status, after.trait_name) == ("rejected_by_user", "Asks a lot of questions")
    assert after.new_evidence_against


def test_analysing_a_package_again_is_no_new_evidence_against_a_rejection(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    row = person.candidates()[QUESTIONS]
    review.act(person.user_id, row.candidate_id, {"userDecision": "rejected"})
    merge(person.analysed(package, finding()))
    assert not person.candidates()[QUESTIONS].new_evidence_against


def test_what_the_person_added_themselves_is_not_proposed_to_them(person: Person) -> None:
    review.add_trait(person.user_id, {"traitName": "Is a printer", "traitCategory": "Skill"})
    merge(person.analysed(person.package(), finding(**NURSE)))
    assert person.candidates() == {}


def test_rejections_lower_what_the_same_source_proposes_next(person: Person) -> None:
    for n in range(4):
        merge(person.analysed(person.package(), finding(f"habit:h{n}:high", f"Habit gamma{n}")))
        row = person.candidates()[f"habit:h{n}:high"]
        review.act(person.user_id, row.candidate_id, {"userDecision": "rejected"})
    merge(person.analysed(person.package(), finding()))
    somebody = Person()
    merge(somebody.analysed(somebody.package(), finding()))
    mine, theirs = person.candidates()[QUESTIONS], somebody.candidates()[QUESTIONS]
    assert mine.confidence["trackRecord"] < 0.5 == theirs.confidence["trackRecord"]
    assert mine.confidence_score < theirs.confidence_score


def test_a_merge_with_many_candidates_takes_few_round_trips(person: Person) -> None:
    findings = [
        finding(f"habit:h{n}:high" if n < 6 else f"topic:t{n}" if n < 12 else f"fact:f{n}:x", f"Trait delta{n}",
                evidence=[quote])
        for n, quote in enumerate((WORDS.split(". ") * 3)[:15])
    ]  # fmt: skip
    run = person.analysed(person.package(), *findings)
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        assert merge(run).candidates >= 6
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    assert len(sent) <= 18, sent


def many(person: Person, number: int) -> list[dict[str, Any]]:
    """Merge that many packages with one finding each, of differing strength; what was found."""
    found = [
        finding(certainty=0.5 + n * 7 % number / number / 2, own_words=200 + n * 37, counter=[THANKS] * (n % 9 == 0))
        for n in range(number)
    ]
    for one in found:
        merge(person.analysed(person.package(), one))
    return found


def test_the_cost_of_a_merge_does_not_grow_with_the_persons_packages(person: Person) -> None:
    def cost() -> tuple[int, int, int]:
        """Statements, rows that they touched, and contributions that the look-up brought."""
        run = person.analysed(person.package(), finding(), finding(**NURSE))
        touched: list[int] = []

        def note(_connection: object, cursor: Any, *_: object) -> None:
            touched.append(max(cursor.rowcount, 0))

        event.listen(engine(), "after_cursor_execute", note)
        try:
            merge(run)
        finally:
            event.remove(engine(), "after_cursor_execute", note)
        ids = [row.candidate_id for row in person.candidates().values()]
        with transaction() as connection:
            brought = look_up(connection, person.user_id, ids)
        return len(touched), sum(touched), max(len(one.others) for one in brought.values())

    many(person, MOST_COMBINED + 2)
    merge(person.analysed(person.package(), finding(**NURSE)))
    before = cost()
    many(person, 20)
    assert cost() == before
    assert before[2] == MOST_COMBINED


def test_the_sixty_packages_of_a_candidate_come_to_what_all_of_them_together_say(person: Person) -> None:
    many(person, 60)
    (row,) = person.candidates().values()
    assert len(person.contributions(row)) == 60
    with transaction() as connection:
        listed = connection.execute(
            select(CandidateContribution.package_id, CandidateContribution.contribution).where(
                CandidateContribution.candidate_id == row.candidate_id
            )
        ).all()
    read = {str(one.package_id): Contribution.from_json(one.contribution) for one in listed}
    every = assess(ClaimKind.OBSERVED, [one.measurement() for one in read.values()])
    assert row.confidence_score == pytest.approx(every.shown, abs=1.01e-4)
    told = {one["label"]: one["detail"] for one in row.confidence["explain"]}
    assert told == {label: detail for label, _, detail in every.explain}
    assert told["other packages"].startswith("59 more")
    assert told["counter-evidence"].startswith("7 places")
    assert len(row.feature_set_ids) == MOST_COMBINED


def test_taking_packages_out_again_leaves_the_totals_of_the_rest(person: Person) -> None:
    first = person.package()
    merge(person.analysed(first, finding()))
    alone = person.candidates()[QUESTIONS]
    others = [person.package() for _ in range(MOST_COMBINED + 3)]
    for n, package in enumerate(others):
        merge(person.analysed(package, finding(certainty=0.6 + n / 100, counter=[THANKS])))
    assert person.candidates()[QUESTIONS].totals["observed"]["packages"] == len(others) + 1
    for package in others:
        merge(person.analysed(package))
    after = person.candidates()[QUESTIONS]
    assert (after.totals, after.confidence, after.feature_set_ids) == (
        alone.totals, alone.confidence, alone.feature_set_ids,
    )  # fmt: skip


def test_a_list_reads_no_more_evidence_than_it_shows(person: Person) -> None:
    many(person, 12)
    read: list[int] = []

    def note(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if "FROM evidence" in statement:
            read.append(cursor.rowcount)

    event.listen(engine(), "after_cursor_execute", note)
    try:
        (shown,), _ = list_candidates(person.user_id)
    finally:
        event.remove(engine(), "after_cursor_execute", note)
    assert len(shown["supportingEvidenceSnippets"]) == IN_LIST[0]
    assert len(shown["counterEvidenceSnippets"]) == 2
    assert read == [IN_LIST[0] + 2]


def step(phase: Phase, state: StepStatus, code: ReasonCode | None = None) -> EndedStep:
    from app.errors import Reason

    return EndedStep(phase, state, Reason(code, "") if code else None)


P, I, S, R = Phase.PERCEIVE, Phase.INTERPRET, StepStatus, ReasonCode  # noqa: E741 - a table reads better with short names


@pytest.mark.parametrize(
    ("steps", "state", "code"),
    [
        ([(P, S.DONE), (I, S.DONE)], "done", None),
        ([(P, S.DONE), (I, S.DONE), (I, S.SKIPPED, R.MODEL_MISSING)], "done", None),
        ([(P, S.DONE), (I, S.SKIPPED, R.TOO_LITTLE_OWN_TEXT), (I, S.SKIPPED, R.MODEL_MISSING)], "done",
         R.TOO_LITTLE_OWN_TEXT),
        ([(P, S.DONE)], "done", None),
        ([(P, S.DONE), (I, S.FAILED, R.INTERNAL), (I, S.DENIED, R.CONSENT_DENIED)], "partial", R.INTERNAL),
        ([(P, S.DONE), (I, S.DENIED, R.CONSENT_DENIED)], "partial", R.CONSENT_DENIED),
        ([(P, S.FAILED, R.EMPTY)], "rejected", R.EMPTY),
        ([(P, S.FAILED, R.NEEDS_PASSWORD)], "rejected", R.NEEDS_PASSWORD),
        ([(P, S.FAILED, R.NO_SPEECH)], "rejected", R.NO_SPEECH),
        ([(P, S.FAILED, R.NO_TEXT), (P, S.FAILED, R.CORRUPT)], "rejected", R.CORRUPT),
        ([(P, S.FAILED, R.WORKER_LOST)], "failed", R.WORKER_LOST),
        ([(P, S.FAILED, R.TIMED_OUT), (P, S.DENIED, R.CONSENT_DENIED)], "failed", R.TIMED_OUT),
        ([(P, S.DENIED, R.CONSENT_DENIED), (I, S.DENIED, R.CONSENT_DENIED)], "denied", R.CONSENT_DENIED),
        ([(P, S.DENIED, R.CONSENT_DENIED), (P, S.SKIPPED, R.MODEL_MISSING)], "denied", R.CONSENT_DENIED),
    ],
)  # fmt: skip
def test_how_a_run_ends(steps: list[tuple[Phase, StepStatus]], state: str, code: ReasonCode | None) -> None:
    ended, reason = ending([step(*one) for one in steps])
    assert (str(ended), reason.code if reason else None) == (state, code)
