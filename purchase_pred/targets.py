"""The configured target: the labels of its prediction points, what leaves them open, and who is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.amounts import label_amounts
from purchase_pred.labels import label_churn, label_purchases
from purchase_pred.schema import LABEL_TIME, LABEL_VALUE

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import polars as pl

    from purchase_pred.settings import Settings


def label_target(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, settings: Settings, end: datetime | None = None
) -> pl.LazyFrame:
    """Label prediction points by the configured target, with what is spent where `target.value` asks for it.

    With `target.horizons` ``label_time`` says when the purchase comes, from which the labels of all horizons follow.

    Returns and errors are those of its function of labels.

    Parameters
    ----------
    anchors, events, end
        As for `label_purchases`.
    settings
        Uses `target`.
    """
    target = settings.target
    if target.kind == "churn":
        return label_churn(anchors, events, horizon=target.horizon, end=end)
    labelled = label_purchases(
        anchors,
        events,
        horizon=target.horizon,
        level=target.level,
        sessions=target.sessions,
        end=end,
        time_column=LABEL_TIME if target.horizons else None,
    )
    if target.value is None:
        return labelled
    return label_amounts(labelled, events, horizon=target.horizon, level=target.level)


def label_columns(settings: Settings, /) -> list[str]:
    """Return the columns that a target has beside ``label``.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> label_columns(Settings.model_validate({"target": {"horizons": ["1d", "7d"], "value": "revenue"}}))
    ['label_time', 'label_value']
    """
    target = settings.target
    return [*([LABEL_TIME] if target.horizons else []), *([LABEL_VALUE] if target.value else [])]


def undecided_label(settings: Settings, /) -> int:
    """Return the label of a point as long as nothing happens: an event decides for a purchase, or against churn.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> undecided_label(Settings())
    0
    """
    return int(settings.target.kind == "churn")


def active_within(settings: Settings, /) -> timedelta | None:
    """Return how lately somebody was active who is asked about on a calendar: only who was here can leave.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> churn = {"kind": "churn", "level": "user", "horizon": "28d"}
    >>> active_within(Settings()), active_within(Settings.model_validate({"target": churn}))
    (None, datetime.timedelta(days=28))
    """
    target, chosen = settings.target, settings.anchors.active_within
    return target.horizon if chosen is None and target.kind == "churn" else chosen
