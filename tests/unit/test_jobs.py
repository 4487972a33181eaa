"""The table of moves is the job's life as it is drawn."""

from service.jobs import FINAL, HELD, TRANSITIONS, Status


def test_every_status_has_its_moves() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_three_statuses_are_never_left() -> None:
    assert {Status.CANCELLED, Status.SUCCEEDED, Status.FAILED} == FINAL


def test_a_job_can_end_from_wherever_it_is() -> None:
    for start in set(Status) - FINAL:
        reached = {start}
        while more := {end for status in reached for end in TRANSITIONS[status]} - reached:
            reached |= more
        assert reached & FINAL


def test_only_a_running_job_succeeds_or_fails() -> None:
    for end in (Status.SUCCEEDED, Status.FAILED):
        assert [status for status, moves in TRANSITIONS.items() if end in moves] == [Status.RUNNING]


def test_a_cancel_is_never_taken_back() -> None:
    assert TRANSITIONS[Status.CANCELLING] == {Status.CANCELLED}


def test_a_worker_holds_what_runs_or_is_to_stop() -> None:
    assert {Status.RUNNING, Status.CANCELLING} == HELD
