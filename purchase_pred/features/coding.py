"""Dense codes for users, sessions and items: narrow numbers pack into one key, whatever the identifiers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.arithmetic import run_starts, running_count
from purchase_pred.schema import ITEM_ID, SESSION_INDEX, USER_ID
from purchase_pred.sessions import session_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

USER_CODE: Final = "__user"
SESSION_CODE: Final = "__session"
ITEM_CODE: Final = "__item"


def with_codes(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, numbered_sessions: bool
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Add UInt32 codes of the user and, where anchors have them, of session and item to both frames, in their orders.

    `events` are sorted by user and time, so users are numbered in that order; with `numbered_sessions` so are the
    sessions, whose index is then known to rise with time. A null identifier and one without events have no code.
    """
    present = anchors.collect_schema()
    starts = run_starts(USER_ID)
    events = events.with_columns(running_count(starts).alias(USER_CODE))
    users = events.filter(starts & pl.col(USER_ID).is_not_null()).select(USER_ID, USER_CODE)
    anchors = _joined(anchors, users, USER_ID)
    if SESSION_INDEX in present:
        key = (USER_CODE, SESSION_INDEX)
        if numbered_sessions:
            opens = session_starts()
            events = events.with_columns(running_count(opens).alias(SESSION_CODE))
            sessions = events.filter(opens).select(*key, SESSION_CODE)
        else:
            sessions = _numbered(events, key, SESSION_CODE)
            events = _joined(events, sessions, *key)
        anchors = _joined(anchors, sessions, *key)
    if ITEM_ID in present:
        items = _numbered(events, (ITEM_ID,), ITEM_CODE)
        anchors, events = _joined(anchors, items, ITEM_ID), _joined(events, items, ITEM_ID)
    return anchors, events


def coded(by: Sequence[str], /) -> list[str]:
    """Return the columns of codes that stand for the columns of an entity; others stand for themselves."""
    codes = {USER_ID: USER_CODE, ITEM_ID: ITEM_CODE}
    if SESSION_INDEX in by:
        return [SESSION_CODE, *(codes.get(name, name) for name in by if name not in (USER_ID, SESSION_INDEX))]
    return [codes.get(name, name) for name in by]


def _numbered(events: pl.LazyFrame, key: Sequence[str], code: str) -> pl.LazyFrame:
    """Return the distinct keys with a number each, made once for both frames."""
    return events.select(key).unique(maintain_order=True).with_row_index(code).cache()


def _joined(frame: pl.LazyFrame, codes: pl.LazyFrame, *key: str) -> pl.LazyFrame:
    return frame.join(codes, on=list(key), how="left", maintain_order="left")
