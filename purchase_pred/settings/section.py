"""What every part of the settings tree is: frozen, and deaf to keys it does not know."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from purchase_pred.durations import parse_duration

_FIRST_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = date(2199, 12, 31)


class Section(BaseModel):
    """A frozen part of the settings tree; unknown keys are errors, and defaults are checked like any value.

    Numbers are finite, and true and false are none.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool):
            kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
            if kinds & {int, float} and bool not in kinds:
                raise ValueError(f"a number is asked for, found {str(value).lower()}")
        return value


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation such as ``int | None`` is made of."""
    parts = get_args(annotation)
    return set().union(*map(_kinds, parts)) if parts else {annotation}


def _duration(text: Any) -> Any:
    if not isinstance(text, str):  # pydantic takes ValueErrors alone
        raise ValueError(f"a duration is a whole number and a unit, such as '7d', '12h' or '30m', found {text!r}")  # noqa: TRY004
    parse_duration(text)
    return text


def _longer_than_zero(text: str) -> str:
    if parse_duration(text) <= timedelta():
        raise ValueError(f"the duration must be longer than zero, found {text!r}")
    return text


def _aligned(unit: Any) -> Any:
    return unit if unit == "none" else _longer_than_zero(_duration(unit))


def _some(windows: tuple[str, ...]) -> tuple[str, ...]:
    if not windows:
        raise ValueError("at least one window such as 7d is needed, found []")
    return windows


def _written_out(day: Any) -> Any:
    """Refuse the numbers that would be taken for seconds since 1970."""
    if isinstance(day, int | float):
        raise ValueError(f"a date is written 2024-08-01, found {day}")  # noqa: TRY004  (as above)
    return day


def _in_our_time(day: date) -> date:
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(f"a date must lie within {_FIRST_DAY} and {_LAST_DAY}, found {day}")
    return day


Day = Annotated[date, BeforeValidator(_written_out), AfterValidator(_in_our_time)]
"""A date, 1970 to 2199."""

Lag = Annotated[str, BeforeValidator(_duration)]
"""A duration as text, zero ("0s") included."""

Duration = Annotated[Lag, AfterValidator(_longer_than_zero)]
"""A duration as text, longer than zero: "7d", "36h", "90m"."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of a whole, 0 to 1."""

Alignment = Annotated[str, BeforeValidator(_aligned)]
"""A duration as text to which moments are floored, or "none"."""

Windows = Annotated[tuple[Duration, ...], AfterValidator(_some)]
"""Windows, at least one: [1d, 7d]."""
