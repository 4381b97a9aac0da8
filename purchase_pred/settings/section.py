"""What every part of the settings tree is: frozen, and deaf to keys it does not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from purchase_pred.durations import parse_duration


class Section(BaseModel):
    """A frozen part of the settings tree; unknown keys are errors, and defaults are checked like any value."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)


def _positive_duration(text: str) -> str:
    if parse_duration(text) <= timedelta():
        raise ValueError(f"the duration must be longer than zero, found {text!r}")
    return text


def _duration(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, AfterValidator(_positive_duration)]
"""A duration as text, longer than zero: "7d", "36h", "90m"."""

Lag = Annotated[str, AfterValidator(_duration)]
"""A duration as text, zero ("0s") included."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of a whole, 0 to 1."""
