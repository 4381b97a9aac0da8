"""Settings of sessions, splits, prediction points, labels and features."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from purchase_pred.durations import duration_name
from purchase_pred.names import Level, TargetKind
from purchase_pred.settings.section import Alignment, Day, Duration, Lag, Section, Windows
from purchase_pred.windows.registry import KINDS

_ENTITY: Final = frozenset({"user_id", "item_id", "category", "session_index"})


class SessionSettings(Section):
    """When a session ends."""

    inactivity_threshold_minutes: float = Field(default=30, gt=0, le=525_600)
    """A session ends when the user is silent for longer than this; a silence of exactly this continues it."""

    @property
    def gap(self) -> timedelta:
        """The threshold as a duration."""
        return timedelta(minutes=self.inactivity_threshold_minutes)


class SplitSettings(Section):
    """Where the period is cut into train, validation and test."""

    by: Literal["time", "events"] = "time"
    """What the shares are of: the time span of the log, or its events, for a log that comes in bursts."""
    train: float = Field(default=0.70, gt=0, lt=1)
    """Share for training."""
    val: float = Field(default=0.15, gt=0, lt=1)
    """Share for validation; the rest is for testing."""
    align: Alignment = timedelta(days=1)
    """Boundaries are floored to this unit; "none": exact."""
    embargo: Lag = timedelta()
    """Rows of validation and test whose T lies less than this after the boundary before them are purged as well."""

    @model_validator(mode="after")
    def _leaves_a_test(self) -> SplitSettings:
        if self.train + self.val >= 1:
            raise ValueError(f"train + val must be below 1, so that a test remains, found {self.train + self.val:g}")
        return self


class AnchorSettings(Section):
    """Prediction points: when a prediction is made."""

    kind: Literal["session_close", "in_session", "calendar"] = "session_close"
    """At the close of each session, within sessions, or on a calendar."""
    at: Literal["event", "add_to_cart", "session_start"] = "event"
    """In session: after every k-th event (see `every_events`), after each add_to_cart, or after the first event."""
    every_events: int = Field(default=1, ge=1)
    """In session, at "event": the k of "every k-th event"."""
    every: Duration = timedelta(days=30)
    """Calendar: the distance of two prediction points."""
    start: Day | None = None
    """Calendar: the first prediction point (UTC midnight); none: one step after the first day of the log."""
    active_within: Duration | None = None
    """Calendar: asked about is who, or which pair, has an event in [T - this, T); none: users with any event before T
    (of kind churn, in [T - horizon, T)), pairs with an event in [T - every, T)."""


class TargetSettings(Section):
    """What is predicted."""

    kind: TargetKind = "purchase"
    """A purchase, or at level user its opposite: that whoever was active (`anchors.active_within`) stays away."""
    level: Level = "user_item"
    """Does the user buy this item, does the user buy anything, does this session still buy."""
    horizon: Duration = timedelta(days=7)
    """The label looks at [T, T + horizon)."""
    horizons: tuple[Duration, ...] = ()
    """Several horizons at once, such as [1d, 7d, 28d]: probabilities that never fall from one to the next. The longest
    is `horizon`, which need not be given then."""
    sessions: int | None = Field(default=None, ge=1, le=1_000_000)
    """The purchase must also fall within the user's next so many sessions; none: no such limit."""
    value: Literal["revenue"] | None = None
    """Beside the probability: "revenue", what is spent on the purchases of the horizon; none: the probability alone."""

    @model_validator(mode="before")
    @classmethod
    def _longest_is_the_horizon(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("horizons") and "horizon" not in values:
            return {**values, "horizon": values["horizons"][-1]}
        return values

    @model_validator(mode="after")
    def _horizons_ascend(self) -> TargetSettings:
        names = [duration_name(one) for one in self.horizons]
        if any(after <= before for before, after in pairwise(self.horizons)):
            raise ValueError(f"horizons must ascend, found {', '.join(names)}")
        if self.horizons and self.horizons[-1] != self.horizon:
            raise ValueError(
                f"horizon must be the longest of horizons ({', '.join(names)}), or left out, found "
                f"{duration_name(self.horizon)}"
            )
        if self.horizons and self.kind != "purchase":
            raise ValueError(f"horizons are of purchases, so kind must be purchase, found {self.kind}")
        return self

    @model_validator(mode="after")
    def _revenue_is_of_purchases(self) -> TargetSettings:
        if self.value and self.kind != "purchase":
            raise ValueError(f"value revenue is what purchases come to, so kind must be purchase, found {self.kind}")
        if self.value and self.sessions is not None:
            raise ValueError(f"value revenue is of the whole horizon, so sessions must be null, found {self.sessions}")
        return self

    @model_validator(mode="after")
    def _churn_is_of_users(self) -> TargetSettings:
        if self.kind != "churn":
            return self
        if self.level != "user":
            raise ValueError(f"kind churn asks whether a user stays away, so level must be user, found {self.level}")
        if self.sessions is not None:
            raise ValueError(f"kind churn asks for no session at all, so sessions must be null, found {self.sessions}")
        return self


class CustomFeature(Section):
    """A feature of one's own: exactly one aggregate over a user's events."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z]\w*$")]
    """Name of the column, followed by the window where there are windows."""
    by: str | tuple[str, ...] = "user_id"
    """The entity: user_id, alone or with item_id, category or session_index of the prediction point."""
    where: str | None = None
    """Which events count, an SQL condition over the events' columns and category, base_price, hour, weekday."""
    windows: Windows | None = None
    """Windows; none: all history before T."""
    count: bool = False
    """Number of events."""
    n_unique: str | None = None
    """Distinct values of this column."""
    total: str | None = None
    """Sum of this column."""
    mean: str | None = None
    """Mean of this column."""
    minimum: str | None = None
    """Smallest value of this column."""
    maximum: str | None = None
    """Largest value of this column."""
    last: str | None = None
    """This column of the latest event."""
    hours_since_last: int | None = Field(default=None, ge=1)
    """Hours since the k-th last event."""
    hours_since_first: bool = False
    """Hours since the first event."""
    decayed_count: Duration | None = None
    """Sum of 2^(-age / this half-life)."""

    @property
    def kind(self) -> str:
        """The kind of its aggregate."""
        return next(name for name in KINDS if getattr(self, name))

    @property
    def entity(self) -> tuple[str, ...]:
        """The columns of the entity."""
        return (self.by,) if isinstance(self.by, str) else self.by

    @model_validator(mode="after")
    def _is_one_aggregate_of_a_user(self) -> CustomFeature:
        chosen = [name for name in KINDS if getattr(self, name)]
        if len(chosen) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}, found {', '.join(chosen) or 'none'}")
        if self.windows is not None and not KINDS[self.kind].windowed:
            windowed = (name for name, kind in KINDS.items() if kind.windowed)
            raise ValueError(f"windows go with {', '.join(windowed)}, not with {self.kind}")
        if "user_id" not in self.entity or not _ENTITY.issuperset(self.entity):
            raise ValueError(
                f"by must be user_id, alone or with {', '.join(sorted(_ENTITY - {'user_id'}))}, found "
                f"{', '.join(self.entity)}"
            )
        return self


class FeatureSettings(Section):
    """The feature dictionary."""

    windows: Windows = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
    """Windows of the frequency group; a window w is [T - w, T)."""
    availability_lag: Lag = timedelta()
    """How long after its timestamp an event becomes known."""
    item_columns: tuple[str, ...] = ()
    """Columns of the catalog beyond our own, kept by `ingest --keep`, that are features: brand is then item_brand."""
    custom: tuple[CustomFeature, ...] = ()
    """Features of one's own."""
