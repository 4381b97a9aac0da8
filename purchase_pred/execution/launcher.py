"""The seam between the work and who does it: jobs are handed over, and their results come back in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SIDE_BY_SIDE: Final = 3
"""Jobs in work at most: where one leaves a core idle, another takes it."""

_Result = TypeVar("_Result")


class Pending(Protocol):
    """A job in work."""

    def result(self) -> Any:
        """Wait for the job to be done, and return its result or raise its error."""


@dataclass(frozen=True)
class Launcher:
    """Whoever does the jobs, and how many of them at once."""

    submit: Callable[[Callable[[], Any]], Pending]
    """Hands a job over; where it may be done by another process, it can be pickled."""
    room: float
    """What the jobs in work may take together; a job that takes more is in work alone."""
    at_most: float
    """Jobs in work at once."""

    def run(self, jobs: Iterable[tuple[int, Callable[[], _Result]]], /) -> Iterator[_Result]:
        """Do jobs, as many at once as there is room for but always one, and yield their results in order.

        Parameters
        ----------
        jobs
            How much room each takes, and what it does; taken up one by one.

        Examples
        --------
        >>> with threads(room=2) as launcher:
        ...     list(launcher.run([(1, lambda: "a"), (2, lambda: "b")]))
        ['a', 'b']
        """
        working: deque[tuple[int, Pending]] = deque()
        for size, job in jobs:
            while working and (len(working) == self.at_most or sum(taken for taken, _ in working) + size > self.room):
                yield working.popleft()[1].result()
            working.append((size, self.submit(job)))
        while working:
            yield working.popleft()[1].result()


@contextmanager
def threads(*, room: float, at_most: int = SIDE_BY_SIDE) -> Iterator[Launcher]:
    """Give threads of this process that do jobs."""
    with ThreadPoolExecutor(at_most) as pool:
        yield Launcher(pool.submit, room=room, at_most=at_most)


def side_by_side(
    jobs: Iterable[tuple[int, Callable[[], _Result]]], /, *, room: float, at_most: int = SIDE_BY_SIDE
) -> Iterator[_Result]:
    """Do jobs in threads of this process, and yield their results in order, as `Launcher.run`.

    Examples
    --------
    >>> list(side_by_side([(1, lambda: "a"), (2, lambda: "b")], room=2))
    ['a', 'b']
    """
    with threads(room=room, at_most=at_most) as launcher:
        yield from launcher.run(jobs)
