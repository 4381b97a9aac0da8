"""Jobs in work keep within their room, and their results come in order."""

from __future__ import annotations

import threading

import pytest

from purchase_pred.execution.launcher import threads


@pytest.mark.parametrize(("room", "together"), [(1, 1), (10, 1), (20, 2), (1000, 3)])
def test_jobs_in_work_never_take_more_than_there_is_room_for(room, together) -> None:
    lock, seen, working = threading.Lock(), [], [0]
    meet = threading.Barrier(together, timeout=10)

    def job(number: int) -> int:
        with lock:
            working[0] += 1
            seen.append(working[0])
        meet.wait()
        with lock:
            working[0] -= 1
        return number

    jobs = [(10, lambda number=number: job(number)) for number in range(6)]
    with threads(room=room, at_most=3) as launcher:
        assert list(launcher.run(jobs)) == list(range(6))
    assert max(seen) == together


def test_a_job_that_fails_fails_the_work() -> None:
    def fail() -> int:
        raise KeyError("shard")

    with pytest.raises(KeyError, match="shard"), threads(room=2) as launcher:
        list(launcher.run([(1, fail), (1, lambda: 1)]))
