"""One example per leak, with the single event that makes the value move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.leakage.edits import ROW
from purchase_pred.leakage.report import Example
from purchase_pred.leakage.subject import ROWS, Outcome, Subject, difference
from purchase_pred.leakage.trials import (
    ANCHORS_DROPPED,
    ANCHORS_SHUFFLED,
    CHANGED,
    DELETED,
    EVENTS_SHUFFLED,
    INJECTED,
    LABELS_CHANGED,
    OTHERS_DROPPED,
    RUN_AGAIN,
    TIES_REVERSED,
)
from purchase_pred.schema import PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_TELLING: Final = (
    RUN_AGAIN,  # a function that gives another answer each time explains every other trial
    DELETED,
    INJECTED,
    CHANGED,
    LABELS_CHANGED,
    ANCHORS_DROPPED,
    OTHERS_DROPPED,
    ANCHORS_SHUFFLED,
    EVENTS_SHUFFLED,
    TIES_REVERSED,
)
_MOST_RUNS: Final = 60
"""Runs of the function spent on looking for offending events; leaks beyond them have examples without one."""


def find_examples(subject: Subject, outcomes: Sequence[Outcome], /) -> dict[str, Example]:
    """Return an example for each column that moved, in the order of the columns."""
    cases: dict[tuple[int, int], _Case] = {}
    budget = _Budget(_MOST_RUNS)
    examples = {}
    for column in (*subject.columns, ROWS):
        moving = [outcome for outcome in outcomes if column in outcome.moved]
        if moving:
            telling = min(moving, key=lambda o: (_MOST_TELLING.index(o.trial.tampering), -len(o.moved)))
            row = _telling_row(telling, column)
            case = cases.setdefault((id(telling), row), _Case(subject, telling, row, budget))
            examples[column] = case.example(column)
    return examples


def _telling_row(outcome: Outcome, column: str) -> int:
    """Return the row that moved in most columns, so that they share an example; of several, that of the latest T."""
    counts = pl.concat(list(outcome.moved.values())).value_counts(name="columns")
    rows = counts.filter(pl.col(ROW).is_in(outcome.moved[column].implode())).join(
        outcome.trial.anchors.select(ROW, PREDICTION_TIME), on=ROW
    )
    best = rows.sort("columns", PREDICTION_TIME, ROW, descending=[True, True, False], nulls_last=True)
    return int(best[ROW][0])


@dataclass
class _Budget:
    runs: int


class _Case:
    """A row that moved in a trial: more and more of the edits are applied, nearest first, until a value moves."""

    def __init__(self, subject: Subject, outcome: Outcome, row: int, budget: _Budget) -> None:
        self._subject = subject
        self._budget = budget
        self._row = row
        self._before = outcome.before
        self._anchor = subject.world.anchors.row(row, named=True)
        moment = self._anchor[PREDICTION_TIME]
        self._edits = outcome.trial.edits.nearest_first(self._anchor[USER_ID], moment)
        self._trial = replace(outcome.trial, edits=self._edits)
        self._position = int(outcome.trial.anchors[ROW].index_of(row) or 0)
        self._values: dict[int, dict[str, pl.Series] | None] = {}

    def example(self, column: str) -> Example:
        count = self._first_moving(column)
        values = self._run(len(self._edits.rows) if count is None else count)
        return Example(
            tampering=self._trial.tampering,
            anchor={name: value for name, value in self._anchor.items() if name != ROW},
            prediction_time=self._anchor[PREDICTION_TIME],
            before=None if column == ROWS else self._before[column][self._row],
            after=None if values is None or column not in values else values[column].item(),
            event=self._edits.event(count - 1) if count else None,
        )

    def _first_moving(self, column: str) -> int | None:
        """Return how many edits it takes until the value moves; None when it is not the edits, or not to be found.

        The value is still at `low` edits and has moved at `high`, so between two neighbours it moves, however the
        edits work together.
        """
        low, high, every = 0, 1, len(self._edits.rows)
        if not every or self._moves(0, column):
            return None
        while not self._moves(min(high, every), column):
            if high >= every or self._budget.runs <= 0:
                return None
            low, high = high, 2 * high
        high = min(high, every)
        while high - low > 1:
            if self._budget.runs <= 0:
                return None
            middle = (low + high) // 2
            low, high = (low, middle) if self._moves(middle, column) else (middle, high)
        return high

    def _moves(self, count: int, column: str) -> bool:
        values = self._run(count)
        if values is None or column == ROWS:
            return values is None
        if column not in values:
            return True
        before = self._before[column].slice(self._row, 1)
        after = values[column]
        return bool(difference(before, after).item())

    def _run(self, count: int) -> dict[str, pl.Series] | None:
        """Return the row's features after so many edits, each as a column of one value; runs are remembered."""
        if count not in self._values:
            self._budget.runs -= 1
            made = self._subject.run(self._trial, count)
            self._values[count] = None if made is None else {c.name: c for c in made.slice(self._position, 1)}
        return self._values[count]
