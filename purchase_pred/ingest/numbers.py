"""Numbers as logs write them, with a decimal point or a decimal comma, and when too few of them can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITH_COMMA: Final = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$"


def read_number(text: pl.Expr, /, *, decimal: Literal[".", ","] = ".") -> pl.Expr:
    """Return text as Float64, null where it is no number.

    With a decimal comma, points may stand between thousands and nowhere else: ``12.50`` is then no number.

    Examples
    --------
    >>> prices = pl.DataFrame({"price": ["12,50", "1.234,5", "1.234", "12.50", "free"]})
    >>> prices.select(read_number(pl.col("price"), decimal=","))["price"].to_list()
    [12.5, 1234.5, 1234.0, None, None]
    """
    if decimal == ",":
        plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        text = pl.when(text.str.contains(_WITH_COMMA)).then(plain)
    return text.cast(pl.Float64, strict=False)


def check_numbers(
    column: str, /, *, named: str, option: str, written: int, unread: int, examples: Sequence[str], decimal: str
) -> None:
    """Refuse a column of which most values that are written cannot be read; exactly half is allowed.

    Parameters
    ----------
    column
        What it is to us: ``"price"``.
    named
        The source's name of it.
    option
        The option that names it.
    written, unread
        Values that are written, and those of them that are no numbers of 0 or more.
    examples
        The most frequent of those.
    decimal
        The decimal sign that was looked for.

    Raises
    ------
    InputError
        Names the column, the counts, the texts, and the options that would help.
    """
    if 2 * unread <= written:
        return
    other = "," if decimal == "." else "."
    shown = ", ".join(map(repr, examples))
    raise InputError(
        f"column {named!r} ({column}): {unread:,} of {written:,} values are no numbers of 0 or more ({shown}), the "
        f"decimal sign being {decimal!r}; the other sign is read with --decimal {other} (ingest.decimal), "
        f"another column with {option} {column}=NAME, and {option} {column}= leaves it out"
    )
