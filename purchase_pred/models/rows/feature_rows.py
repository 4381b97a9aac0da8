"""Feature rows of any number: frames in memory or files, read block by block, so that few of them are held at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.models.rows.design_matrix import design_matrix, label_vector
from purchase_pred.schema import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.rows.spec import FeatureSpec

FeatureRows = pl.DataFrame | pl.LazyFrame
"""A feature frame: in memory, or lazy, such as the scan of a feature file, which is then never held as a whole."""

BLOCK_ROWS: Final = 100_000
"""Rows that are held at once; some hundred features of so many take about 100 MB."""


def row_blocks(rows: FeatureRows, /, *, size: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
    """Yield the rows in their order, at most so many at a time; none for a frame without rows.

    Examples
    --------
    >>> [block.height for block in row_blocks(pl.DataFrame({"views": range(5)}), size=2)]
    [2, 2, 1]
    """
    if isinstance(rows, pl.DataFrame):
        yield from rows.iter_slices(size) if rows.height else ()
        return
    for block in rows.collect_batches(chunk_size=size, maintain_order=True, engine="streaming"):
        yield from block.iter_slices(size) if block.height else ()


def columns_of(rows: FeatureRows, names: Sequence[str], /) -> pl.DataFrame:
    """Return some columns of all rows, those that there are, in the order of the frame."""
    wanted = set(names)
    present = [name for name in rows.collect_schema().names() if name in wanted]
    return rows.lazy().select(present).collect()


def count_of(rows: FeatureRows, /) -> int:
    """Return how many rows there are."""
    return rows.height if isinstance(rows, pl.DataFrame) else int(rows.select(pl.len()).collect().item())


def labels_of(rows: FeatureRows, /) -> NDArray[np.uint8]:
    """Return the labels of all rows; errors are those of `label_vector`.

    Examples
    --------
    >>> labels_of(pl.LazyFrame({"views": [5, 6], "label": [0, 1]})).tolist()
    [0, 1]
    """
    return label_vector(columns_of(rows, (LABEL,)))


def schema_of(rows: FeatureRows, /) -> pl.DataFrame:
    """Return the frame without its rows."""
    return rows.lazy().head(0).collect()


def take_rows(rows: FeatureRows, numbers: NDArray[np.intp], /) -> pl.DataFrame:
    """Return the rows of these numbers, ascending, counted from 0.

    Examples
    --------
    >>> take_rows(pl.LazyFrame({"views": [5, 6, 7]}), np.array([0, 2]))["views"].to_list()
    [5, 7]
    """
    if isinstance(rows, pl.DataFrame):
        return rows[numbers]
    parts = list(taken_blocks(rows, numbers))
    return pl.concat(parts) if parts else schema_of(rows)


def taken_blocks(rows: FeatureRows, numbers: NDArray[np.intp] | None, /) -> Iterator[pl.DataFrame]:
    """Yield the rows of these numbers, ascending, or all, a block at a time; no block is empty.

    Examples
    --------
    >>> [block["views"].to_list() for block in taken_blocks(pl.LazyFrame({"views": [5, 6, 7]}), np.array([0, 2]))]
    [[5, 7]]
    """
    if numbers is None:
        yield from row_blocks(rows)
        return
    for block, within in _blocks_with(rows, numbers):
        if len(within):
            yield block[within]


def matrix_of(
    rows: FeatureRows, spec: FeatureSpec, /, *, numbers: NDArray[np.intp] | None = None, height: int | None = None
) -> NDArray[np.float32]:
    """Return `design_matrix` of the rows of these numbers, ascending, or of all; of a file block by block.

    `height` is how many rows there are, where that is known. Errors are those of `design_matrix`.

    Examples
    --------
    >>> from purchase_pred.models.rows.design_matrix import feature_spec
    >>> frame = pl.DataFrame({"views": [5, 6, 7]})
    >>> matrix_of(frame.lazy(), feature_spec(frame), numbers=np.array([0, 2])).tolist()
    [[5.0], [7.0]]
    """
    if isinstance(rows, pl.DataFrame):
        return design_matrix(rows if numbers is None else rows[numbers], spec)
    if numbers is None:
        numbers = np.arange(count_of(rows) if height is None else height)
    matrix = np.empty((len(numbers), len(spec.features)), dtype=np.float32, order="F")
    filled = 0
    for block, within in _blocks_with(rows, numbers):
        if len(within):
            matrix[filled : filled + len(within)] = design_matrix(block[within], spec)
            filled += len(within)
    return matrix


def _blocks_with(rows: FeatureRows, numbers: NDArray[np.intp]) -> Iterator[tuple[pl.DataFrame, NDArray[np.intp]]]:
    """Yield each block with the positions within it of the rows asked for."""
    start = 0
    for block in row_blocks(rows):
        first, last = np.searchsorted(numbers, [start, start + block.height])
        yield block, numbers[first:last] - start
        start += block.height
