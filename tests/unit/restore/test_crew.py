import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial

import pytest

from ops.checks.crew import Crew, StoppedError


def test_results_come_back_in_the_order_of_the_jobs() -> None:
    crew, seen = Crew(), []
    jobs = [crew.start("job", partial(int, number)) for number in range(3)]
    assert crew.wait(jobs, each=lambda: seen.append(1)) == (0, 1, 2)
    assert len(seen) == 3


def test_the_first_error_of_any_thread_ends_the_wait() -> None:
    crew, held = Crew(), threading.Event()

    def fail() -> None:
        raise LookupError

    slow = crew.start("slow", held.wait)
    crew.start("bad", fail)
    with pytest.raises(LookupError):
        crew.wait([slow])
    held.set()
    crew.stop()


def test_items_are_shared_and_each_taken_once() -> None:
    crew = Crew()

    def lane(taken: Iterator[int]) -> list[int]:
        return [item * 2 for item in taken]

    found = crew.share("lane", range(100), 3, lane)
    assert sorted(found) == [item * 2 for item in range(100)]
    assert crew.share("lane", [], 3, lane) == ()


def test_stopped_threads_end_at_their_next_step() -> None:
    crew, begun = Crew(), threading.Event()

    def lane(taken: Iterator[int]) -> list[int]:
        found = []
        for item in taken:
            begun.set()
            found.append(item)
        return found

    job = crew.start("lanes", lambda: crew.share("lane", range(10**9), 2, lane))
    begun.wait()
    crew.stop()
    assert isinstance(job.exception(), StoppedError)
    with pytest.raises(StoppedError):
        crew.check()


def test_a_part_fails_alone_and_is_stopped_with_the_whole() -> None:
    crew = Crew()
    part = crew.part()

    def fail() -> None:
        raise LookupError

    bad = part.start("bad", fail)
    with pytest.raises(LookupError):
        part.wait([bad])
    crew.check()
    other = crew.part()
    held: Future[None] = Future()
    waits = other.start("waits", lambda: other.wait([held]))
    crew.stop()
    assert isinstance(waits.exception(), StoppedError)


def test_what_the_check_raises_ends_a_wait() -> None:
    def late() -> None:
        raise TimeoutError

    held: Future[None] = Future()
    with pytest.raises(TimeoutError):
        Crew(late).wait([held])
