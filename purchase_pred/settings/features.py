"""Settings of sessions, splits, prediction points, labels and features."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import Field, model_validator

from purchase_pred.settings.section import Duration, Lag, Section


class SessionSettings(Section):
    """When a session ends."""

    inactivity_threshold_minutes: float = Field(default=30, gt=0)
    """A session ends when the user is silent for longer than this; a silence of exactly this continues it."""

    @property
    def gap(self) -> timedelta:
        """The threshold as a duration."""
        return timedelta(minutes=self.inactivity_threshold_minutes)


class SplitSettings(Section):
    """Where the period is cut into train, validation and test."""

    train: float = Field(default=0.70, gt=0, lt=1)
    """Share of the time span for training."""
    val: float = Field(default=0.15, gt=0, lt=1)
    """Share of the time span for validation; the rest is for testing."""
    align: Duration | Literal["none"] = "1d"
    """Boundaries are floored to this unit; "none": exact."""

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
    every: Duration = "30d"
    """Calendar: the distance of two prediction points."""
    start: date | None = None
    """Calendar: the first prediction point (UTC midnight); none: one step after the first day of the log."""


class TargetSettings(Section):
    """What is predicted."""

    level: Literal["user_item", "user", "session"] = "user_item"
    """Does the user buy this item, does the user buy anything, does this session still buy."""
    horizon: Duration = "7d"
    """The label looks at [T, T + horizon)."""
    sessions: int | None = Field(default=None, ge=1)
    """The purchase must also fall within the user's next so many sessions; none: no such limit."""


class FeatureSettings(Section):
    """The feature dictionary."""

    windows: tuple[Duration, ...] = ("1d", "7d", "30d")
    """Windows of the frequency group; a window w is [T - w, T)."""
    availability_lag: Lag = "0s"
    """How long after its timestamp an event becomes known."""
