"""What every part of the settings tree is: frozen, and deaf to keys it does not know."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from purchase_pred.durations import duration_name, parse_duration

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_FIRST_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = date(2199, 12, 31)


class Section(BaseModel):
    """A frozen part of the settings tree; unknown keys are errors, and defaults are checked like any value.

    Numbers are finite, and true and false are none.
    """

    model_config = ConfigDict(
        hide_input_in_errors=True,
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool):
            kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
            if kinds & {int, float} and bool not in kinds:
                raise ValueError(f"a number is asked for, found {str(value).lower()}")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        written = cls.model_construct().model_dump(mode="json")  # pydantic would write 7 days "P7D"
        for name, described in schema["properties"].items():
            if "default" in described:
                described["default"] = written[name]
        return schema


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation such as ``int | None`` is made of."""
    parts = get_args(annotation)
    return set().union(*map(_kinds, parts)) if parts else {annotation}


def _duration(written: Any) -> timedelta:
    if not isinstance(written, str | timedelta):  # pydantic takes ValueErrors alone
        raise ValueError(  # noqa: TRY004
            f"a duration is a whole number and a unit, such as '7d', '12h' or '30m', found {written!r}"
        )
    return parse_duration(written)


def _not_negative(written: Any) -> timedelta:
    length = _duration(written)
    if length < timedelta():
        raise ValueError(f"the duration must not be negative, found {duration_name(written)!r}")
    return length


def _longer_than_zero(written: Any) -> timedelta:
    length = _duration(written)
    if length <= timedelta():
        raise ValueError(f"the duration must be longer than zero, found {duration_name(written)!r}")
    return length


def _aligned(unit: Any) -> Any:
    return unit if unit == "none" else _longer_than_zero(unit)


def _each_once(windows: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if not windows:
        raise ValueError("at least one window such as 7d is needed, found []")
    return tuple(dict.fromkeys(windows))


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

_AS_TEXT: Final = (
    PlainSerializer(duration_name, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["7d", "36h", "30m"]}),
)

Lag = Annotated[timedelta, BeforeValidator(_not_negative), *_AS_TEXT]
"""A duration, zero ("0s") included; read from text and written as text, by its largest whole unit."""

Duration = Annotated[timedelta, BeforeValidator(_longer_than_zero), *_AS_TEXT]
"""A duration, longer than zero: "7d", "36h", "90m"; read and written as `Lag`."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of a whole, 0 to 1."""

Alignment = Annotated[timedelta | Literal["none"], BeforeValidator(_aligned), *_AS_TEXT]
"""A duration to which moments are floored, read and written as `Lag`, or "none"."""

Windows = Annotated[tuple[Duration, ...], AfterValidator(_each_once)]
"""Windows, at least one, each once: [1d, 7d]."""
