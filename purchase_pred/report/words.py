"""Numbers and targets as a reader wants them: units, thousands, plain words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.durations import duration_name, parse_duration
from purchase_pred.evaluation.baselines import is_churn
from purchase_pred.wording import WORDINGS, Wording

if TYPE_CHECKING:
    from collections.abc import Mapping

THIN: Final = "\u202f"
"""Narrow space that does not break, between a number and its unit."""
MISSING: Final = "n/a"

_HEADINGS: Final = {
    "prevalence": "No model",
    "carted_not_bought": "Carted, not bought",
    "recency": "Most recent view",
    "most_viewed": "Most viewed in the session",
    "longest_silence": "Longest silence",
    "logistic": "Logistic regression",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "ceiling": "Ceiling",
}
_BESIDE: Final = 35
_LONG: Final = timedelta(days=5)
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def heading(name: str, /) -> str:
    """Return what a rule or a model is called.

    Examples
    --------
    >>> heading("xgboost_20240801_120000"), heading("recency")
    ('XGBoost', 'Most recent view')
    """
    return _HEADINGS.get(name) or _HEADINGS.get(name.partition("_")[0], name)


def shortened(name: str, /) -> str:
    """Return a name as it fits beside a chart: of a long one the beginning and the end.

    Examples
    --------
    >>> shortened("views_7d"), shortened("the_share_of_" * 4 + "views_30d")
    ('views_7d', 'the_share_of_the_share_…f_views_30d')
    """
    return name if len(name) <= _BESIDE else f"{name[: _BESIDE - 12]}…{name[-11:]}"


def number(value: float | None, /, digits: int = 3) -> str:
    """Return a number with so many decimals, a whole one with none.

    Examples
    --------
    >>> number(12345), number(0.46571), number(None)
    ('12,345', '0.466', 'n/a')
    """
    if value is None:
        return MISSING
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def percent(share: float | None, /) -> str:
    """Return a share as a percentage with about three digits that matter.

    Examples
    --------
    >>> [percent(x).replace(THIN, " ") for x in (0.25, 0.0342, 0.00042, 0.0, 1.0)]
    ['25.0 %', '3.42 %', '0.042 %', '0 %', '100 %']
    """
    if share is None:
        return MISSING
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", f"{THIN}%")
    size = abs(share)
    digits = 1 if size >= 0.1 else 2 if size >= 0.01 else 3  # noqa: PLR2004  (three digits that matter)
    return f"{100 * share:.{digits}f}{THIN}%"


def times(factor: float | None, /) -> str:
    """Return a factor.

    Examples
    --------
    >>> times(22.213), times(1.84)
    ('22 times', '1.8 times')
    """
    if factor is None:
        return MISSING
    return f"{factor:,.{0 if factor >= 10 else 1}f} times"  # noqa: PLR2004  (two digits that matter)


def counted(count: int, noun: str, /) -> str:
    """Return a count and what is counted.

    Examples
    --------
    >>> counted(1, "day"), counted(1200, "purchase")
    ('1 day', '1,200 purchases')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(length: str | timedelta, /) -> str:
    """Return a duration in its largest whole unit.

    Examples
    --------
    >>> duration("7d"), duration("36h"), duration("1h")
    ('7 days', '36 hours', '1 hour')
    """
    seconds = parse_duration(length).total_seconds()
    units = [(name, size) for name, size in _UNITS if seconds and not seconds % size]
    if not units:
        return duration_name(length)
    name, size = units[0]
    return counted(int(seconds // size), name)


def day(moment: datetime, /, *, span: timedelta) -> str:
    """Return a moment of a log that spans so long: its day (UTC), of a log of a few days its minute too.

    Examples
    --------
    >>> [day(datetime(2024, 8, 1, 9, 5), span=timedelta(days=days)) for days in (90, 2)]
    ['1 Aug 2024', '1 Aug 2024 09:05']
    """
    return f"{moment.day} {moment:{'%b %Y' if span >= _LONG else '%b %Y %H:%M'}}"


def wording(target: Mapping[str, Any], /) -> Wording:
    """Return how a positive row of a target is spoken of.

    Examples
    --------
    >>> wording({"kind": "churn"}).they, wording({}).they
    ('leave', 'buy')
    """
    return WORDINGS[target.get("kind", "purchase")]


def outcome(target: Mapping[str, Any], /) -> str:
    """Return what a positive row is, as the end of the sentence "how likely is it that ...".

    Examples
    --------
    >>> outcome({"level": "user_item", "horizon": "7d", "sessions": None})
    'the user buys this item within 7 days'
    >>> outcome({"kind": "churn", "level": "user", "horizon": "28d"})
    'the user stays away for 28 days'
    """
    if is_churn(target):
        return f"the user stays away for {duration(target['horizon'])}"
    happens = {
        "user_item": "the user buys this item",
        "user": "the user buys anything",
        "session": "the session still brings a purchase",
    }[target["level"]]
    sessions = target.get("sessions")
    within = f" and within the next {sessions} sessions" if sessions else ""
    return f"{happens} within {duration(target['horizon'])}{within}"


def moment_of_prediction(target: Mapping[str, Any], /) -> str:
    """Return when a prediction is made.

    Examples
    --------
    >>> moment_of_prediction({"anchors": "calendar"})
    'on fixed dates, for every user known by then'
    """
    if is_churn(target) and target["anchors"] == "calendar":
        return "on fixed dates, for every user who was active shortly before"
    return {
        "session_close": "when a session has ended",
        "in_session": "while a session is in progress",
        "calendar": "on fixed dates, for every user known by then",
    }[target["anchors"]]


def subject(target: Mapping[str, Any], /) -> str:
    """Return what one row is about.

    Examples
    --------
    >>> subject({"level": "user"})
    'a user'
    """
    return {"user_item": "a user and an item", "user": "a user", "session": "a session"}[target["level"]]
