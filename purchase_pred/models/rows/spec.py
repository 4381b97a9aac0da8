"""What the columns of the design matrix are: names, dtypes and categories, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Feature:
    """One column of the matrix."""

    name: str
    """Column name."""
    dtype: str
    """Its Polars dtype as text; `"Enum"` for an Enum."""
    categories: tuple[str, ...] | None = None
    """The categories, in the order of their codes: those of an Enum, or those learnt of a text; None for a number."""


@dataclass(frozen=True)
class FeatureSpec:
    """The columns of the matrix in order, as they were when a model was trained."""

    features: tuple[Feature, ...]
    left_out: tuple[str, ...] = ()
    """Feature columns that were there and that the model does not see; a frame may have them or not."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold category codes."""
        return tuple(index for index, feature in enumerate(self.features) if feature.categories is not None)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns as plain JSON values."""
        return [
            {
                "name": feature.name,
                "dtype": feature.dtype,
                "categories": None if feature.categories is None else list(feature.categories),
            }
            for feature in self.features
        ]

    @classmethod
    def from_json(cls, columns: Sequence[dict[str, Any]], /, *, left_out: Sequence[str] = ()) -> FeatureSpec:
        """Return the specification whose columns `to_json` wrote."""
        return cls(
            tuple(
                Feature(
                    name=column["name"],
                    dtype=column["dtype"],
                    categories=None if column["categories"] is None else tuple(column["categories"]),
                )
                for column in columns
            ),
            tuple(left_out),
        )
