"""What a window feature is: a frozen declaration that names its column, its events and its windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from purchase_pred.durations import duration_name, microseconds
from purchase_pred.windows.conditions import beyond_one_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import polars as pl

    Duration = str | timedelta


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One declared aggregate; made by `count`, `n_unique`, `total` and the other functions of this module."""

    kind: str
    """Its row in `registry.KINDS`."""
    name: str
    column: str | None = None
    where: pl.Expr | None = None
    windows: tuple[tuple[str, int], ...] | None = None
    k: int = 1
    half_life: int = 0
    consecutive: bool = False

    def __post_init__(self) -> None:
        """Refuse a condition that could see the future."""
        wider = None if self.where is None else beyond_one_event(self.where)
        if wider is not None:
            raise ValueError(
                f"where of {self.name!r} must look at each event by itself, found {wider}, which looks at several and "
                "would see those after T too: make it a column of the events first, as known at each event"
            )

    @property
    def columns(self) -> tuple[tuple[str, int | None], ...]:
        """The columns it makes, each with its window in microseconds (None: all history)."""
        if self.windows is None:
            return ((self.name, None),)
        return tuple((f"{self.name}_{window}", length) for window, length in self.windows)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the events that it looks at."""
        named = () if self.column is None else (self.column,)
        return named if self.where is None else (*named, *self.where.meta.root_names())


def count(name: str, *, where: pl.Expr | None = None, windows: Sequence[Duration] | None = None) -> Aggregate:
    """Count the events in [T - w, T).

    Parameters
    ----------
    name
        Name of the column, followed by ``_`` and the window where there are windows: ``view_count_7d``.
    where
        Which events count, a Boolean expression that looks at each event by itself; null counts as false. None: all.
    windows
        Lengths w, as `timedelta` or text such as ``"7d"``. None: one column over all history before T.

    Returns
    -------
    Aggregate
        For `window_features`. UInt32, 0 when there is none.

    Raises
    ------
    ValueError
        `where` holds an aggregate, a shift or whatever else looks at several events; a window is not longer than zero.

    Examples
    --------
    >>> import polars as pl
    >>> [name for name, _ in count("view_count", where=pl.col("event_type") == "view", windows=["1d", "7d"]).columns]
    ['view_count_1d', 'view_count_7d']
    """
    return Aggregate(kind="count", name=name, where=where, windows=_windows(windows))


def n_unique(
    name: str,
    column: str,
    *,
    where: pl.Expr | None = None,
    windows: Sequence[Duration] | None = None,
    consecutive: bool = False,
) -> Aggregate:
    """Count the distinct values of `column` among the events in [T - w, T), exactly; nulls are not counted.

    UInt32, 0 when there is none. `consecutive` says that a value of an entity does not come back once another has
    followed it in time, as the numbers of sessions do not: saves the sort by value. Not checked: a wrong
    order gives wrong results. The other parameters are as for `count`.

    Examples
    --------
    >>> n_unique("unique_items", "item_id", windows=["7d"]).columns[0][0]
    'unique_items_7d'
    """
    declared = _windows(windows)
    return Aggregate(kind="n_unique", name=name, column=column, where=where, windows=declared, consecutive=consecutive)


def total(
    name: str, column: str, *, where: pl.Expr | None = None, windows: Sequence[Duration] | None = None
) -> Aggregate:
    """Sum `column` over the events in [T - w, T); nulls and values that are not finite are skipped.

    Float64, 0.0 when there is none. Parameters as for `count`. Values are summed in fixed point (128 bits, units of
    2^-56 hundredths): prices in cents are summed exactly, sums depend neither on the order of the events nor on other
    events, and the running sum over the log may reach 1e19.

    Examples
    --------
    >>> total("spent", "price").columns
    (('spent', None),)
    """
    return Aggregate(kind="total", name=name, column=column, where=where, windows=_windows(windows))


def mean(
    name: str, column: str, *, where: pl.Expr | None = None, windows: Sequence[Duration] | None = None
) -> Aggregate:
    """Average the non-null, finite values of `column` over the events in [T - w, T).

    Float64, null when there is none. Parameters as for `count`, precision as for `total`.

    Examples
    --------
    >>> mean("mean_price", "price", windows=["30d"]).columns[0][0]
    'mean_price_30d'
    """
    return Aggregate(kind="mean", name=name, column=column, where=where, windows=_windows(windows))


def minimum(
    name: str, column: str, *, where: pl.Expr | None = None, windows: Sequence[Duration] | None = None
) -> Aggregate:
    """Take the smallest non-null value of `column` in [T - w, T).

    The column's dtype, null when there is none. Parameters as for `count`. Costs more than the additive aggregates:
    a rolling minimum over events and anchors together, see `window_features`.

    Examples
    --------
    >>> minimum("lowest_price", "price", windows=["30d"]).columns[0][0]
    'lowest_price_30d'
    """
    return Aggregate(kind="minimum", name=name, column=column, where=where, windows=_windows(windows))


def maximum(
    name: str, column: str, *, where: pl.Expr | None = None, windows: Sequence[Duration] | None = None
) -> Aggregate:
    """Take the largest non-null value of `column` in [T - w, T); otherwise as `minimum`.

    Examples
    --------
    >>> maximum("highest_price", "price").columns
    (('highest_price', None),)
    """
    return Aggregate(kind="maximum", name=name, column=column, where=where, windows=_windows(windows))


def last(name: str, column: str, *, where: pl.Expr | None = None) -> Aggregate:
    """Take `column` of the latest event before T, by (timestamp, event_id).

    The column's dtype; null when there is no such event or when that event's value is null.

    Examples
    --------
    >>> last("last_item", "item_id").columns
    (('last_item', None),)
    """
    return Aggregate(kind="last", name=name, column=column, where=where)


def hours_since_last(name: str, *, where: pl.Expr | None = None, k: int = 1) -> Aggregate:
    """Measure the hours from the k-th last event before T to T.

    Float64, null when there are fewer than k. Ties count one by one.

    Examples
    --------
    >>> hours_since_last("hours_since_second_last", k=2).k
    2
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be a whole number, 1 (the last event) or more, found {k!r}")
    return Aggregate(kind="hours_since_last", name=name, where=where, k=k)


def hours_since_first(name: str, *, where: pl.Expr | None = None) -> Aggregate:
    """Measure the hours from the first event ever to T.

    Float64, null when there is none before T.

    Examples
    --------
    >>> hours_since_first("hours_since_first_seen").columns
    (('hours_since_first_seen', None),)
    """
    return Aggregate(kind="hours_since_first", name=name, where=where)


def decayed_count(name: str, half_life: Duration, *, where: pl.Expr | None = None) -> Aggregate:
    """Sum 2^(-age / half_life) over all events before T, the age measured from T.

    Float64, 0.0 when there is none. Exact to about 1e-12 relative, whatever the half-life and the span of the log.

    Examples
    --------
    >>> decayed_count("recent_views", "12h").half_life
    43200000000
    """
    length = microseconds(half_life)
    if length <= 0:
        raise ValueError(f"half_life must be longer than zero, found {half_life!r}")
    return Aggregate(kind="decayed_count", name=name, where=where, half_life=length)


def column_names(aggregates: Iterable[Aggregate], /) -> list[str]:
    """Return the columns that the aggregates make, in order.

    Examples
    --------
    >>> column_names([count("views", windows=["1d", "7d"]), hours_since_last("hours")])
    ['views_1d', 'views_7d', 'hours']
    """
    return [name for aggregate in aggregates for name, _ in aggregate.columns]


def _windows(windows: Sequence[Duration] | None) -> tuple[tuple[str, int], ...] | None:
    if windows is None:
        return None
    if isinstance(windows, str) or not isinstance(windows, Iterable):
        raise TypeError(f"windows must be a sequence of durations such as ['7d'], found {windows!r}")
    lengths = [microseconds(window) for window in windows]
    if not lengths or any(length <= 0 for length in lengths):
        raise ValueError(f"windows must be durations longer than zero, at least one, found {list(windows)!r}")
    return tuple((duration_name(window), length) for window, length in zip(windows, lengths, strict=True))
