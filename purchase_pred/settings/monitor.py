"""Settings of monitoring: what counts as new, what it is compared with, and beyond which limits to raise the alarm."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from purchase_pred.settings.section import Duration, Section, Share

_Positive = Annotated[float, Field(gt=0)]
_Factor = Annotated[float, Field(gt=1)]


class MonitorLimits(Section):
    """Beyond which `monitor` ends with 3; null: never. docs/monitoring.md tells how the defaults were calibrated."""

    deviation: _Positive = 5.5
    """Robust standard deviations (1.4826 MAD) that a day must lie off its own history in every check of days; what a
    limit allows comes on top."""
    silent: Share | None = 0.1
    """An event type is silent on a day with at most this share of the events expected: a tracker that failed."""
    silent_days: int = Field(default=0, ge=0)
    """Silent days of one event type that are borne."""
    volume: _Factor | None = 1.6
    """Factor by which a day's events of one type, or its users, exceed or fall short of what was expected."""
    price_level: _Factor | None = 1.25
    """Factor between the day's prices and each item's own usual one, in the median: another currency or unit."""
    price_jumps: Share | None = 0.1
    """Share of a day's prices beyond twice or below half of the item's usual one, above the usual share."""
    hours: Share | None = 0.1
    """Share of a day's activity that lies in other hours than usual (total variation), above the usual: a clock."""
    concentration: Share | None = 0.08
    """Share of a day's events that is more than what 999 in 1,000 users make on a day, above the usual: bots."""
    psi: _Positive | None = 0.25
    """Rise of the population stability index of a feature, against training, over the largest of the four windows
    before, which must double too; 0.25 is the customary bound of a large shift."""
    missing: Share | None = 0.1
    """Change of the share of missing values of a feature, against training, beyond that of the four windows before."""
    unseen: Share | None = 0.05
    """Share of rows whose category the model has not learnt."""
    adversarial_auc: Share | None = 0.8
    """ROC-AUC at which new rows are told from training rows, if it is 0.1 above that of the window before."""
    prevalence: _Factor | None = 1.5
    """Factor between the shares of positives of new and of training rows, once labels are known, if it is beyond three
    standard errors clustered by user."""
    calibration: _Factor | None = 1.5
    """Factor between purchases and the sum of their probabilities, if it is beyond three such standard errors."""
    estimated_drop: Share | None = 0.3
    """Share of its estimated PR-AUC on validation that a model has lost on the new rows; no label is needed."""
    realised_drop: Share | None = 0.4
    """Share of the PR-AUC estimated for the same rows that labels, once known, do not confirm."""


class MonitorSettings(Section):
    """What `monitor` looks at."""

    window: Duration = timedelta(days=7)
    """How far back the new data reaches, from the moment of monitoring; whole days of events are looked at."""
    history: Duration = timedelta(days=56)
    """The days before the window that each new day is compared with: eight of each weekday."""
    weeks: int = Field(default=12, ge=1)
    """Weeks of predictions whose calibration is told, week by week."""
    users: int = Field(default=2_000, ge=1)
    """Users drawn whose rows are compared, of training and of the new data each; events are counted of all."""
    rows: int = Field(default=100_000, ge=1)
    """Rows of theirs that are held at the most, of training and since, each."""
    leave_out: tuple[str, ...] = ("days_since_registration", "item_age_days")
    """Features that are not judged, by name or pattern: those that age with the calendar drift in any shop."""
    limits: MonitorLimits = MonitorLimits()
    """Beyond which the alarm is raised."""
