"""One sortable number for an entity and a moment: entity code times 2^64 plus the time in microseconds, as Int128.

Running totals over rows sorted by this key never restart, and one as-of look-up without groups finds the last event
of an entity before any moment: whatever lies before the entity's first possible key (`BASE`) cancels out.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.arithmetic import run_starts, running_count
from purchase_pred.schema import EVENT_ID, PREDICTION_TIME, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW: Final = "__row"
BASE: Final = "__base"
KEY: Final = "__key"
AT: Final = "__at"
_STARTS: Final = "__starts"

EventOrder = Literal["by_entity", "ties", "any"]
"""Sorted by (by..., timestamp, event_id); ties of an entity in the order of event_id; nothing known."""

_SPAN: Final = 2**64
_ORIGIN: Final = 2**63
_WIDE: Final = pl.Int128

_WIDTHS: Final = {
    pl.Boolean: 8, pl.UInt8: 8, pl.Int8: 8, pl.UInt16: 16, pl.Int16: 16, pl.UInt32: 32, pl.Int32: 32, pl.Date: 32,
    pl.Enum: 32, pl.Categorical: 32, pl.UInt64: 64, pl.Int64: 64, pl.Datetime: 64, pl.Duration: 64, pl.Time: 64,
}  # fmt: skip
"""Bits that a column of an entity key takes when it is packed."""


def keyed_events(
    events: pl.LazyFrame, /, *, by: Sequence[str], order: EventOrder, ties_matter: bool
) -> tuple[pl.LazyFrame, pl.Expr | pl.LazyFrame]:
    """Return events with `BASE` and `KEY`, sorted by `KEY`, and how anchors find the `BASE` of their entity.

    Where the columns of the entity pack into 64 bits, its code is computed from their values on both sides; otherwise
    the entities are numbered in sorted order, and a table has `by` and `BASE` of each.

    Parameters
    ----------
    by
        Columns of the entity.
    order
        What is known of the order of the events.
    ties_matter
        Events with equal keys must stand in the order of their event_id; only the latest event's value depends on it.
    """
    base = _packed(events.collect_schema(), by)
    if base is not None:
        keyed = events.with_columns(base.alias(BASE), _event_key(base)).filter(pl.col(KEY).is_not_null())
        if order == "by_entity":
            return _in_one_piece(keyed).set_sorted(KEY), base
        tied = keyed.sort(EVENT_ID) if ties_matter and order == "any" else keyed
        return tied.sort(KEY, maintain_order=ties_matter).cache().set_sorted(KEY), base
    columns = [*by, TIMESTAMP] + ([EVENT_ID] if ties_matter else [])
    named = events.filter(pl.col(name).is_not_null() for name in by)
    in_order = named if order == "by_entity" else named.sort(columns, nulls_last=True)
    starts = in_order.with_columns(_entity_start(by))
    numbered = starts.with_columns((running_count(pl.col(_STARTS)).cast(_WIDE) * _SPAN).alias(BASE)).cache()
    keyed = numbered.drop(_STARTS).with_columns(_event_key(pl.col(BASE))).filter(pl.col(KEY).is_not_null())
    return keyed.set_sorted(KEY), numbered.filter(_STARTS).select(*by, BASE)


def keyed_anchors(
    anchors: pl.LazyFrame, bases: pl.Expr | pl.LazyFrame, /, *, by: Sequence[str], lag: int
) -> pl.LazyFrame:
    """Return anchors with `ROW`, `BASE` and `AT`, sorted by `AT`.

    Parameters
    ----------
    anchors
        With `ROW`, `by` and the prediction time.
    bases
        What `keyed_events` has returned beside the events.
    by
        Columns of the entity, of the dtypes that they have among the events.
    lag
        Microseconds after its timestamp at which an event becomes known.
    """
    if isinstance(bases, pl.Expr):
        located = anchors.with_columns(bases.alias(BASE))
    else:
        located = anchors.join(bases, on=list(by), how="left")
    return located.with_columns(_anchor_key(lag), pl.col(BASE).fill_null(0)).select(ROW, BASE, AT).sort(AT).cache()


def _in_one_piece(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame in contiguous memory, as a sort leaves it: each look-up would copy keys that are in pieces."""
    return pl.concat([frame, pl.LazyFrame(schema=frame.collect_schema())], rechunk=True)


def entity_time(key: str) -> pl.Expr:
    """Return the time within an entity's key, in microseconds since 1970, as Int64."""
    return (pl.col(key) - pl.col(BASE) - _ORIGIN).cast(pl.Int64)


def known_base() -> pl.Expr:
    """Return the anchor's entity code, null where the anchor has no entity or no time: no event can match it."""
    return pl.when(pl.col(AT) > pl.col(BASE)).then(BASE)


def window_start(window: int | None) -> pl.Expr:
    """Return the key at which a window of so many microseconds opens, never before the entity's first key."""
    if window is None:
        return pl.col(BASE)
    length = pl.lit(window, dtype=_WIDE)
    return pl.when(pl.col(AT) - pl.col(BASE) > length).then(pl.col(AT) - length).otherwise(BASE)


def _width(dtype: pl.DataType) -> int:
    return _WIDTHS.get(type(dtype), 0)


def _packed(schema: pl.Schema, by: Sequence[str]) -> pl.Expr | None:
    """Pack the columns into one number of [-2^63, 2^63), in lexicographic order, and multiply it by 2^64.

    None: they do not fit.
    """
    widths = [_width(schema[name]) for name in by]
    if not all(widths) or sum(widths) > _SPAN.bit_length() - 1:
        return None
    shift, lowest = 0, -_ORIGIN
    fields = []
    for name, width in zip(reversed(by), reversed(widths), strict=True):
        signed = schema[name].is_signed_integer() or schema[name].is_temporal()
        lowest += 2 ** (width - 1 + shift) if signed else 0
        fields.append(pl.col(name).to_physical().cast(_WIDE) * 2 ** (64 + shift))
        shift += width
    code: pl.Expr = reduce(add, fields)
    return code + lowest * _SPAN if lowest else code


def _entity_start(by: Sequence[str]) -> pl.Expr:
    return run_starts(*by).alias(_STARTS)


def _event_key(base: pl.Expr) -> pl.Expr:
    """Return the key of an event; null, and never seen, without an entity or a time."""
    return (pl.col(TIMESTAMP).to_physical().cast(_WIDE) + base + _ORIGIN).alias(KEY)


def _anchor_key(lag: int) -> pl.Expr:
    """Place an anchor without an entity or a time at the base itself, where both look-ups find the same row."""
    time = pl.col(PREDICTION_TIME).to_physical().cast(_WIDE) - pl.lit(lag, dtype=_WIDE)
    at = pl.max_horizontal(pl.col(BASE) + time + _ORIGIN, pl.col(BASE))
    return pl.when(pl.col(PREDICTION_TIME).is_null()).then(BASE).otherwise(at).fill_null(0).alias(AT)
