"""Whether a log can support a target: a verdict on counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from purchase_pred.durations import duration_name
from purchase_pred.errors import ConfigError, UnsupportedTargetError
from purchase_pred.prediction_rows import calendar_rows
from purchase_pred.wording import WORDINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from purchase_pred.settings import Settings

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class LogFacts:
    """What a log holds."""

    events: int
    users: int
    views: int
    purchases: int
    span: timedelta
    """Time from the first event to the last."""


@dataclass(frozen=True)
class SplitCounts:
    """Prediction points of one split."""

    rows: int
    """Rows that were kept."""
    positives: int
    purged: int
    """Rows whose T or label end lies outside the split, or whose T lies in the embargo."""


def check_size(sessionized: pl.LazyFrame, /, *, settings: Settings) -> None:
    """Raise if a calendar has more prediction points than `execution.max_rows`, before any is made.

    Raises
    ------
    ConfigError
        Says how many there would be.
    """
    size = calendar_rows(sessionized, settings=settings)
    rows, most = 0 if size is None else size.collect().item() or 0, settings.execution.max_rows
    if rows > most:
        raise ConfigError(
            f"anchors.every {duration_name(settings.anchors.every)} makes {rows:,} prediction points of this log, more "
            f"than execution.max_rows {most:,}: choose a longer step (m is a minute; a month is 30d), or, if that is "
            f"meant, --set execution.max_rows={rows}"
        )


def check_rows(
    facts: LogFacts, counts: Mapping[str, SplitCounts], /, *, settings: Settings, advise: Callable[[], str]
) -> None:
    """Raise unless every split has rows, and the log what a target of purchases asks for.

    `advise` tells which settings would do, and is only asked where some would.

    Raises
    ------
    UnsupportedTargetError
        Says which split has none, what the target needs, what the log has, and which settings would do.
    """
    if not facts.purchases and settings.target.kind == "purchase":  # whatever else is amiss, no settings can help
        raise UnsupportedTargetError(
            f"no purchase among {facts.events:,} events, and this target asks for one; if the log names purchases "
            "otherwise, say so when it is read: `purchase-pred ingest ... --event purchase=NAME`"
        )
    empty = [split for split, count in counts.items() if not count.rows]
    if not empty:
        return
    if not facts.views and _rows_come_from_views(settings):
        raise UnsupportedTargetError(
            f"no prediction points: target.level user_item at session close takes one row per item viewed, and the "
            f"log holds no view among {facts.events:,} events; {advise()}"
        )
    purged = sum(count.purged for count in counts.values())
    raise UnsupportedTargetError(
        f"no complete label in {', '.join(empty)}: the log spans {spoken(facts.span)}, and target.horizon "
        f"{duration_name(settings.target.horizon)}{_closing(settings)}{_embargo(settings)} must fit within each split "
        f"(train {settings.split.train:g}, val {settings.split.val:g}, test {_test_share(settings):g} of the span, "
        f"boundaries floored to {_unit(settings)}); {purged:,} rows were purged; {advise()}"
    )


def check_labels(
    facts: LogFacts, counts: Mapping[str, SplitCounts], /, *, settings: Settings, advise: Callable[[], str]
) -> None:
    """Raise unless every split has positive rows and others.

    Raises
    ------
    UnsupportedTargetError
        As `check_rows`, and where a split has labels of one kind only.
    """
    check_rows(facts, counts, settings=settings, advise=advise)
    words = WORDINGS[settings.target.kind]
    for split, count in counts.items():
        if count.positives in {0, count.rows}:
            does = words.it if not count.positives else f"does not {words.they}"
            raise UnsupportedTargetError(
                f"none of the {count.rows:,} rows of {split} {does} (target.level {settings.target.level}, horizon "
                f"{duration_name(settings.target.horizon)}; {facts.purchases:,} purchases by {facts.users:,} users in "
                f"{spoken(facts.span)}): a model cannot be trained and judged without both; {advise()}"
            )


def spoken(span: timedelta, /) -> str:
    """Return a time span as people say it.

    Examples
    --------
    >>> spoken(timedelta(hours=4, minutes=12)), spoken(timedelta(days=90)), spoken(timedelta(seconds=40))
    ('4.2 hours', '90.0 days', '0.7 minutes')
    """
    if span >= 2 * _DAY:
        return f"{span / _DAY:.1f} days"
    return f"{span / _HOUR:.1f} hours" if span >= 2 * _HOUR else f"{span / timedelta(minutes=1):.1f} minutes"


def _rows_come_from_views(settings: Settings) -> bool:
    return settings.target.level == "user_item" and settings.anchors.kind == "session_close"


def _test_share(settings: Settings) -> float:
    return round(1 - settings.split.train - settings.split.val, 9)


def _closing(settings: Settings) -> str:
    if settings.anchors.kind != "session_close":
        return ""
    return f" after a silence of {settings.session.inactivity_threshold_minutes:g} minutes"


def _unit(settings: Settings) -> str:
    align = settings.split.align
    return align if isinstance(align, str) else duration_name(align)


def _embargo(settings: Settings) -> str:
    embargo = settings.split.embargo
    return f" after an embargo of {duration_name(embargo)}" if embargo else ""
