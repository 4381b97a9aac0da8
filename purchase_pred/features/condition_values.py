"""What the words of a condition stand for: values with a kind, so that a text meets a time or a name as it should."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from typing import Final, Literal, NamedTuple

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.features.sources import (
    CONTINUES,
    HOUR,
    ITEM_CATEGORY,
    LAST_ACTIONS,
    PREVIOUS_TYPE,
    SESSION_START,
    SHOWN_DISCOUNT,
    WEEKDAY,
)
from purchase_pred.likeness import did_you_mean
from purchase_pred.schema import (
    BASE_PRICE,
    CATEGORY,
    DURATION,
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPES,
    PRICE,
    SESSION_INDEX,
    TIMESTAMP,
    instant,
)

Kind = Literal["number", "text", "time", "truth", "event type", "unknown"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys((EVENT_ID, DURATION, PRICE, SESSION_INDEX, BASE_PRICE, SHOWN_DISCOUNT), "number"),
    **dict.fromkeys((HOUR, WEEKDAY, LAST_ACTIONS), "number"),
    **dict.fromkeys((CATEGORY, ITEM_CATEGORY), "text"),
    **dict.fromkeys((EVENT_TYPE, PREVIOUS_TYPE), "event type"),
    **dict.fromkeys((TIMESTAMP, SESSION_START), "time"),
    CONTINUES: "truth",
}
_TEXTUAL: Final = ("text", "event type", "unknown")
_LARGEST: Final = 2**63 - 1
_MOST_DECIMALS: Final = 15


class ConditionError(Exception):
    """Part of a condition is not allowed, or means nothing."""


class Value(NamedTuple):
    """Part of a condition; `constant` where it is written out, as a number, a text or a moment."""

    expr: pl.Expr
    kind: Kind
    constant: float | str | datetime | None = None


def column(name: str, /) -> Value:
    """Return a column of the events; whether it is there shows when the features are made."""
    if name.startswith("^") or "*" in name:  # Polars would take these for patterns of names
        raise ConditionError(f"no column is called {name!r}")
    return Value(pl.col(name), _KINDS.get(name, "unknown"))


def word(name: str, /) -> Value:
    """Return true, false, or a column."""
    if name.lower() in {"true", "false"}:
        return Value(pl.lit(name.lower() == "true"), "truth")
    return column(name)


def number(written: str, /) -> Value:
    """Return a number of at most 64 bits."""
    value = int(written) if written.isdecimal() and len(written) <= len(str(_LARGEST)) else float(written)
    if not math.isfinite(value) or (isinstance(value, int) and value > _LARGEST):
        raise ConditionError(f"a number must be below 2^63, found {written[:20]}")
    return Value(pl.lit(value), "number", value)


def text(written: str, /) -> Value:
    """Return a text."""
    return Value(pl.lit(written), "text", written)


def moment(written: str, /) -> Value:
    """Return a moment of ISO 8601, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError as error:
        raise ConditionError(f"a time is written 2024-08-01 or 2024-08-01 12:00, found {written[:30]!r}") from error
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return Value(instant(aware, what="a moment"), "time", aware)


def truth(value: Value, /) -> pl.Expr:
    """Return what holds or does not; numbers, texts and times do neither."""
    if value.constant is not None or value.kind not in {"truth", "unknown"}:
        raise ConditionError(f"something that holds or does not was expected, found a {value.kind}")
    return value.expr


def both(parts: list[Value], /) -> Value:
    """Return whether all hold."""
    return Value(reduce(lambda left, right: left & right, map(truth, parts)), "truth")


def either(parts: list[Value], /) -> Value:
    """Return whether one holds."""
    return Value(reduce(lambda left, right: left | right, map(truth, parts)), "truth")


def negated(value: Value, /) -> Value:
    """Return whether it does not hold."""
    return Value(~truth(value), "truth")


def is_null(value: Value, /, *, wanted: bool) -> Value:
    """Return whether there is no value, or one."""
    return Value(value.expr.is_null() if wanted else value.expr.is_not_null(), "truth")


def compared(left: Value, sign: str, right: Value, /) -> Value:
    """Return a comparison; null where a side is null."""
    one, other = (value.expr for value in _alike([left, right]))
    found = {
        "=": one == other, "==": one == other, "!=": one != other, "<>": one != other,
        "<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other,
    }  # fmt: skip
    return Value(found[sign], "truth")


def is_one_of(value: Value, options: list[Value], /) -> Value:
    """Return whether a value is in a list of constants."""
    if any(option.constant is None for option in options):
        raise ConditionError("a list after 'in' holds numbers, 'texts' or times, written out")
    asked, *listed = _alike([value, *options])
    return either([Value(asked.expr == option.expr, "truth") for option in listed])


def between(value: Value, low: Value, high: Value, /) -> Value:
    """Return whether a value lies in [low, high]."""
    asked, least, most = (one.expr for one in _alike([value, low, high]))
    return Value((asked >= least) & (asked <= most), "truth")


def like(value: Value, pattern: Value, /) -> Value:
    """Return whether a text has a form: ``%`` stands for any characters, ``_`` for one."""
    if not isinstance(pattern.constant, str):
        raise ConditionError("after 'like' a 'text' is needed, such as 'view%'")
    parts = {"%": ".*", "_": "."}
    form = "".join(parts.get(letter) or re.escape(letter) for letter in pattern.constant)
    return Value(_as_text(value).str.contains(f"(?s)^{form}$"), "truth")


def computed(left: Value, sign: str, right: Value, /) -> Value:
    """Return a sum, difference, product, quotient or remainder of numbers."""
    one, other = _number(left), _number(right)
    if sign == "/":
        constant = right.constant
        return Value(divide(one, constant) if isinstance(constant, int | float) else one / other, "number")
    found = {"+": one + other, "-": one - other, "*": one * other, "%": one % other}
    return Value(found[sign], "number")


def minus(value: Value, /) -> Value:
    """Return a number with the other sign."""
    if isinstance(value.constant, int | float):
        return Value(pl.lit(-value.constant), "number", -value.constant)
    return Value(-_number(value), "number")


def call(name: str, arguments: list[Value], /) -> Value:
    """Return what one of the functions that are allowed makes of its arguments."""
    function = FUNCTIONS.get(name.lower())
    if function is None:
        raise ConditionError(f"no function is called {name[:30]!r}")
    fewest, most, made = function
    if not fewest <= len(arguments) <= most:
        raise ConditionError(f"{name.lower()} takes {fewest} to {most} arguments, found {len(arguments)}")
    return made(*arguments)


def _alike(together: list[Value]) -> list[Value]:
    """Make values comparable: a text beside a time is a moment, beside a kind of event a name of one."""
    kinds = {value.kind for value in together if value.constant is None}
    if not any(isinstance(value.constant, str) for value in together):
        found = kinds | {value.kind for value in together if value.constant is not None}
        for odd in ("number", "time"):
            if odd in found and found - {odd, "unknown"}:
                raise ConditionError(f"a {odd} cannot be compared with a {min(found - {odd, 'unknown'})}")
        return together
    if "time" in kinds:
        return [moment(value.constant) if isinstance(value.constant, str) else value for value in together]
    if "event type" in kinds:
        for value in together:
            _check_event_type(value)
        return together
    if kinds & {"number", "truth"} or any(isinstance(value.constant, int | float) for value in together):
        raise ConditionError(f"a text cannot be compared with a {min(kinds & {'number', 'truth'} or {'number'})}")
    return [Value(_as_text(value), "text", value.constant) for value in together]


def _check_event_type(value: Value) -> None:
    if isinstance(value.constant, str) and value.constant not in EVENT_TYPES:
        hint = did_you_mean(value.constant, EVENT_TYPES)
        raise ConditionError(f"an event is one of {', '.join(EVENT_TYPES)}, found {value.constant[:30]!r}{hint}")


def _number(value: Value) -> pl.Expr:
    if value.kind not in {"number", "unknown"}:
        raise ConditionError(f"a number was expected, found a {value.kind}")
    return value.expr


def _as_text(value: Value) -> pl.Expr:
    if value.kind not in _TEXTUAL:
        raise ConditionError(f"a text was expected, found a {value.kind}")
    return value.expr if isinstance(value.constant, str) else value.expr.cast(pl.String)


def _time(value: Value) -> pl.Expr:
    if value.kind not in {"time", "unknown"}:
        raise ConditionError(f"a time was expected, found a {value.kind}")
    return value.expr


def _constant_text(value: Value) -> str:
    if not isinstance(value.constant, str):
        raise ConditionError("a 'text' is needed here, written out")
    return value.constant


def _rounded(value: Value, decimals: Value | None = None) -> Value:
    places = 0 if decimals is None else decimals.constant
    if not isinstance(places, int) or not 0 <= places <= _MOST_DECIMALS:
        raise ConditionError(f"round takes 0 to {_MOST_DECIMALS} decimals")
    return Value(_number(value).round(places), "number")


def _first_there(*options: Value) -> Value:
    alike = _alike(list(options))
    return Value(pl.coalesce([value.expr for value in alike]), alike[0].kind)


def _extreme(horizontal: Callable[[list[pl.Expr]], pl.Expr]) -> Callable[..., Value]:
    return lambda *options: Value(horizontal([_number(value) for value in options]), "number")


_Function = tuple[int, int, Callable[..., Value]]

FUNCTIONS: Final[dict[str, _Function]] = {
    "abs": (1, 1, lambda value: Value(_number(value).abs(), "number")),
    "ceil": (1, 1, lambda value: Value(_number(value).ceil(), "number")),
    "coalesce": (2, 9, _first_there),
    "contains": (
        2,
        2,
        lambda value, part: Value(_as_text(value).str.contains(_constant_text(part), literal=True), "truth"),
    ),
    "day": (1, 1, lambda value: Value(_time(value).dt.day(), "number")),
    "ends_with": (2, 2, lambda value, part: Value(_as_text(value).str.ends_with(_constant_text(part)), "truth")),
    "floor": (1, 1, lambda value: Value(_number(value).floor(), "number")),
    "greatest": (2, 9, _extreme(pl.max_horizontal)),
    "least": (2, 9, _extreme(pl.min_horizontal)),
    "length": (1, 1, lambda value: Value(_as_text(value).str.len_chars(), "number")),
    "lower": (1, 1, lambda value: Value(_as_text(value).str.to_lowercase(), "text")),
    "minute": (1, 1, lambda value: Value(_time(value).dt.minute(), "number")),
    "month": (1, 1, lambda value: Value(_time(value).dt.month(), "number")),
    "round": (1, 2, _rounded),
    "starts_with": (2, 2, lambda value, part: Value(_as_text(value).str.starts_with(_constant_text(part)), "truth")),
    "upper": (1, 1, lambda value: Value(_as_text(value).str.to_uppercase(), "text")),
    "year": (1, 1, lambda value: Value(_time(value).dt.year(), "number")),
}
"""The functions that a condition may use: fewest and most arguments, and what they make of them."""
