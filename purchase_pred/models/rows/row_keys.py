"""Numbers drawn from the keys of rows: the same row has the same number in any frame, on any machine, for ever."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.models.rows.feature_rows import count_of, row_blocks
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, SESSION_INDEX, USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows

ROW_KEY: Final = (USER_ID, SESSION_INDEX, ITEM_ID, PREDICTION_TIME)
"""What makes a row of a feature frame the row it is; key columns that a target has no use for are absent."""

_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_ABSENT: Final = 0x5851F42D4C957F2D
_UNIT: Final = 2.0**-53


def row_draws(rows: FeatureRows, /, *, key: Sequence[str] = ROW_KEY) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each row, from its key alone.

    The numbers are as good as drawn at random, yet they depend on nothing but the values of the key columns that are
    there: on no seed, no library, no other row and no order. Rows of equal keys have equal numbers. Numbers and times
    are mixed as 64-bit integers by the finaliser of SplitMix64 (Steele, Lea and Flood 2014), whatever their width;
    text comes in by eight bytes of BLAKE2b. Of the keys a block is held at a time.

    Examples
    --------
    >>> frame = pl.DataFrame({"user_id": ["ann", "bob", "ann"], "session_index": [1, 1, 1]})
    >>> row_draws(frame).round(6).tolist()
    [0.860501, 0.475304, 0.860501]
    """
    names = rows.collect_schema().names()
    present = [name for name in key if name in names]
    if not present:
        return np.zeros(count_of(rows))
    keys = rows.select(present)
    return np.concatenate([np.empty(0), *(_block_draws(block) for block in row_blocks(keys))])


def _block_draws(keys: pl.DataFrame) -> NDArray[np.float64]:
    mixed = np.zeros(keys.height, dtype=np.uint64)
    for column in keys:
        mixed = _mix((mixed + np.uint64(_GOLDEN)) ^ _mix(_bits(column)))
    return (mixed >> np.uint64(11)).astype(np.float64) * _UNIT


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of SplitMix64: every bit of the input moves every bit of the output."""
    values = values + np.uint64(_GOLDEN)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed


def _bits(column: pl.Series) -> NDArray[np.uint64]:
    """Return the values as 64 bits each: whole numbers and times as they are, all else by a hash of its text."""
    physical = column.to_physical() if column.dtype.is_temporal() else column
    if not physical.dtype.is_integer() or physical.dtype in (pl.Int128, pl.UInt128):
        return _text_bits(column.cast(pl.String))
    known = physical.fill_null(0).to_numpy()
    bits = known.astype(np.uint64) if known.dtype.kind == "u" else known.astype(np.int64).view(np.uint64)
    return np.where(physical.is_null().to_numpy(), np.uint64(_ABSENT), bits)


def _text_bits(column: pl.Series) -> NDArray[np.uint64]:
    distinct = column.unique()
    hashed = [_ABSENT if text is None else _text_hash(text) for text in distinct]
    codes = column.to_frame("text").join(
        pl.DataFrame({"text": distinct, "bits": pl.Series(hashed, dtype=pl.UInt64)}),
        on="text",
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return codes["bits"].to_numpy()


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
