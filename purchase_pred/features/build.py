"""The whole feature dictionary over prediction points: one engine call per entity, side by side, then the ratios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.features.coding import ITEM_CODE, SESSION_CODE, USER_CODE, coded, with_codes
from purchase_pred.features.daily import daily_answers, daily_tables, item_days
from purchase_pred.features.dictionary import feature_groups
from purchase_pred.features.group import check_groups
from purchase_pred.features.session_items import session_item_answers
from purchase_pred.features.sources import (
    ITEM_CATEGORY,
    SHOP,
    checked_catalog,
    checked_users,
    columns_of_items,
    with_attributes,
    with_context,
)
from purchase_pred.schema import (
    EVENT_ORDER,
    ITEM_ID,
    PREDICTION_TIME,
    SESSION_INDEX,
    SESSIONIZED,
    TIME_DTYPE,
    USER_ID,
    require,
    require_lazy,
)
from purchase_pred.settings.features import FeatureSettings
from purchase_pred.windows.aggregates import column_names
from purchase_pred.windows.engine import ordered_window_features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta

    from purchase_pred.features.group import FeatureGroup, Source
    from purchase_pred.windows import Aggregate
    from purchase_pred.windows.event_tables import EventTables
    from purchase_pred.windows.keys import EventOrder

    _Calls = dict[tuple[str, ...], list[Aggregate]]

_USER: Final = (USER_ID,)
_SESSION: Final = (USER_ID, SESSION_INDEX)


def build_features(
    anchors: pl.LazyFrame,
    sessionized: pl.LazyFrame,
    /,
    *,
    catalog: pl.LazyFrame | None = None,
    users: pl.LazyFrame | None = None,
    settings: FeatureSettings | None = None,
    extra: Sequence[FeatureGroup] = (),
    days: pl.LazyFrame | Mapping[str, EventTables] | None = None,
    assume_sorted: bool = False,
) -> pl.LazyFrame:
    """Add the whole feature dictionary to prediction points, as known strictly before T.

    Every feature sees the events with ``timestamp + availability_lag < T``; windows are [T - lag - w, T - lag);
    statistics over all users see complete UTC days before T - lag. `feature_groups` declares the columns,
    `describe_features` says what each means.

    Parameters
    ----------
    anchors
        ``user_id`` and ``prediction_time``, and where the target has them ``item_id`` and ``session_index``, in any
        order, duplicates allowed. Without ``item_id`` the features of items, without ``session_index`` those of the
        session are left out.
    sessionized
        The whole history up to and past the prediction points: the columns of events and ``session_index``.
    catalog, users
        As ``item_catalog.parquet`` and ``users.parquet``. Items and users missing from them give nulls. Further columns
        of the catalog may be read of events as if they were theirs, and are features by `item_columns` of the settings.
    settings
        Windows, lag and custom groups; None: the defaults.
    extra
        Groups of one's own, after the shipped ones.
    days
        What all users did per item and day, as `item_days` sums it up of the whole log, or what `tables_of_days` makes
        of it; to be given where `sessionized` holds only some of the users. None: summed up of `sessionized`.
    assume_sorted
        `sessionized` is sorted by (user_id, timestamp, event_id); saves the sort. Not checked: a wrong order
        gives wrong results.

    Returns
    -------
    LazyFrame
        The anchors, unchanged and in their order, and the features: numbers, and ``item_category`` as the catalog has
        it (an Enum in every file of the pipeline).

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or would be made twice.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> import purchase_pred as pp
    >>> at = lambda hour: datetime(2024, 8, 1, hour, tzinfo=timezone.utc)
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1], "user_id": [7, 7], "timestamp": [at(1), at(2)], "event_type": ["view", "purchase"],
    ...      "item_id": [3, 3], "duration_seconds": [9.0, None], "price": [5.0, 5.0]},
    ...     schema_overrides={"event_id": pl.UInt64, "timestamp": pl.Datetime("us", "UTC"),
    ...                       "event_type": pl.Enum(pp.EVENT_TYPES), "duration_seconds": pl.Float32},
    ... )
    >>> anchors = pl.LazyFrame(
    ...     {"user_id": [7], "item_id": [3], "prediction_time": [at(2)]},
    ...     schema_overrides={"prediction_time": pl.Datetime("us", "UTC")},
    ... )
    >>> features = pp.build_features(anchors, pp.sessionize(events)).collect()
    >>> features.select("view_count_1d", "purchase_count_1d", "hours_since_last_view").row(0)
    (1, 0, 1.0)
    """
    chosen = settings or FeatureSettings()
    lag = chosen.availability_lag
    present = require_lazy(anchors, what="anchors").collect_schema()
    require(sessionized, SESSIONIZED, what="sessionized")
    keys = [name for name in (USER_ID, ITEM_ID, SESSION_INDEX) if name in present or name == USER_ID]
    of_events = sessionized.collect_schema()
    require(anchors, {**{name: of_events[name] for name in keys}, PREDICTION_TIME: TIME_DTYPE}, what="anchors")
    groups = _groups_for(present, chosen, extra)
    features = [name for group in groups for name in group.columns]
    _check_names(present.names(), features)

    items, people = checked_catalog(catalog, sessionized), checked_users(users, sessionized)
    borrowed = columns_of_items(
        _reads(groups), events=of_events, catalog=items.collect_schema(), wanted=chosen.item_columns
    )
    events = with_context(sessionized if assume_sorted else sessionized.sort(EVENT_ORDER), items, of_item=borrowed)
    described = with_attributes(anchors, items, people, of_item=chosen.item_columns)
    described, events = with_codes(described, events, numbered_sessions=assume_sorted)
    described, events = described.cache(), events.cache()
    in_order = (_USER, _SESSION) if assume_sorted else (_USER,)
    calls = _calls(groups, numbered_sessions=assume_sorted)
    if not isinstance(days, Mapping):
        days = _tables(item_days(sessionized) if days is None else days, items, calls["daily"])
    parts = [
        *_event_answers(described, events, calls["events"], lag=lag, in_order=in_order),
        *(
            session_item_answers(described, events, aggregates=asked, lag=lag)
            for asked in calls["session_items"].values()
        ),
        *(daily_answers(described, days[by], by=by, lag=lag) for (by,) in calls["daily"]),
    ]
    wide = pl.concat([described, *parts], how="horizontal")
    made = {name for group in groups for name in column_names(group.aggregates)}
    check_groups(groups, set(wide.collect_schema()) - made)
    for group in groups:
        wide = wide.with_columns(derived.expression.alias(derived.name) for derived in group.derived)
    return wide.select(*present, *features)


def tables_of_days(
    anchors: pl.LazyFrame,
    days: pl.LazyFrame,
    /,
    *,
    catalog: pl.LazyFrame | None = None,
    settings: FeatureSettings | None = None,
    extra: Sequence[FeatureGroup] = (),
) -> dict[str, EventTables]:
    """Return what anchors look up in the days of a whole log, for `build_features` to be called many times.

    The days are those of the whole log for each of its parts: what depends on them alone, which is to bring them
    together by category and for the shop, to sort them and to sum them up over time, need not be done for each.

    Parameters
    ----------
    anchors
        Prediction points, of which only the columns count: they say which features there are.
    days, catalog, settings, extra
        As for `build_features`, and the same as there.

    Returns
    -------
    dict
        For each entity of the statistics over all users its `EventTables`, lazy as ever; `EventTables.computed`
        computes them.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> from purchase_pred.features import item_days, tables_of_days
    >>> us = pl.Datetime("us", "UTC")
    >>> log = pl.LazyFrame(
    ...     {"item_id": [3], "timestamp": [datetime(2024, 8, 1, 9, tzinfo=timezone.utc)], "event_type": ["view"],
    ...      "price": [9.99]},
    ...     schema_overrides={"timestamp": us},
    ... )
    >>> anchors = pl.LazyFrame(schema={"user_id": pl.Int64, "item_id": pl.Int64, "prediction_time": us})
    >>> lazy = tables_of_days(anchors, item_days(log))
    >>> in_memory = {by: tables.computed(lambda frame: frame.collect().lazy()) for by, tables in lazy.items()}
    >>> sorted(in_memory)
    ['__shop', 'item_category', 'item_id']
    """
    groups = _groups_for(anchors.collect_schema(), settings or FeatureSettings(), extra)
    return _tables(days, checked_catalog(catalog, days), _calls(groups, numbered_sessions=False)["daily"])


def _tables(days: pl.LazyFrame, items: pl.LazyFrame, calls: _Calls) -> dict[str, EventTables]:
    return {by: daily_tables(days, items, by=by, aggregates=asked) for (by,), asked in calls.items()}


def _groups_for(present: Iterable[str], settings: FeatureSettings, extra: Sequence[FeatureGroup]) -> list[FeatureGroup]:
    """Return the groups whose entities the columns of the anchors name."""
    keys = {USER_ID, *({ITEM_ID, SESSION_INDEX} & {*present})}
    known = {*keys, SHOP, ITEM_CATEGORY} if ITEM_ID in keys else {*keys, SHOP}
    return [group for group in (*feature_groups(settings), *extra) if known.issuperset(group.by)]


def _reads(groups: Iterable[FeatureGroup]) -> Iterator[str]:
    """Yield the columns of events that the groups look at."""
    return (name for group in groups if group.source == "events" for one in group.aggregates for name in one.reads)


def _check_names(present: Sequence[str], features: Sequence[str]) -> None:
    twice = sorted({name for name in features if name in present or features.count(name) > 1})
    if twice:
        raise SchemaError(f"features: columns would be made twice: {', '.join(twice)}; rename or drop them")


def _calls(groups: Iterable[FeatureGroup], *, numbered_sessions: bool) -> dict[Source, _Calls]:
    """Gather the aggregates of one source and entity, so that they share their look-ups.

    Unless it is known that the numbers of sessions rise with time, nothing is taken as consecutive.
    """
    calls: dict[Source, _Calls] = {"events": {}, "session_items": {}, "daily": {}}
    for group in groups:
        if group.aggregates:
            declared = [replace(a, consecutive=a.consecutive and numbered_sessions) for a in group.aggregates]
            calls[group.source].setdefault(group.by, []).extend(declared)
    return calls


def _event_answers(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    calls: _Calls,
    *,
    lag: timedelta,
    in_order: Sequence[tuple[str, ...]],
) -> Iterator[pl.LazyFrame]:
    """Yield the columns of the aggregates over events, in the order of the anchors.

    Anchors that differ in their item alone share the answers about user and session. `in_order` are the entities by
    which events sorted by (user_id, timestamp, event_id) are sorted already.
    """

    def answers(asked: pl.LazyFrame, by: tuple[str, ...]) -> pl.LazyFrame:
        codes = coded(by)
        order: EventOrder = "by_entity" if by in in_order else "ties"
        return ordered_window_features(
            asked.select(*codes, PREDICTION_TIME),
            events,
            by=codes,
            aggregates=calls[by],
            availability_lag=lag,
            order=order,
        ).select(column_names(calls[by]))

    present = anchors.collect_schema()
    moment = [name for name in (USER_CODE, SESSION_CODE, PREDICTION_TIME) if name in present]
    of_moment = [by for by in calls if ITEM_CODE in present and set(coded(by)) < set(moment)]
    if of_moment:
        asked = anchors.select(moment)
        moments = asked.unique().cache()
        answered = pl.concat([moments, *(answers(moments, by) for by in of_moment)], how="horizontal")
        yield asked.join(answered, on=moment, how="left", nulls_equal=True, maintain_order="left").drop(moment)
    yield from (answers(anchors, by) for by in calls if by not in of_moment)
