"""Dense codes for users and items: narrow numbers pack into one key, whatever the identifiers are."""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.schema import ITEM_ID, USER_ID

USER_CODE: Final = "__user"
ITEM_CODE: Final = "__item"
CODES: Final = {USER_ID: USER_CODE, ITEM_ID: ITEM_CODE}


def with_codes(anchors: pl.LazyFrame, events: pl.LazyFrame, /) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Add UInt32 codes of the user and, where anchors have one, of the item to both frames, keeping their orders.

    `events` are sorted by user, so users are numbered in their order and stay sorted by their code. A null identifier
    and one without events have no code.
    """
    starts = pl.col(USER_ID).ne_missing(pl.col(USER_ID).shift(1))
    coded = events.with_columns(starts.cum_sum().cast(pl.UInt32).alias(USER_CODE))
    users = coded.filter(starts & pl.col(USER_ID).is_not_null()).select(USER_ID, USER_CODE)
    asked = anchors.join(users, on=USER_ID, how="left", maintain_order="left")
    if ITEM_ID not in anchors.collect_schema():
        return asked, coded
    items = events.select(ITEM_ID).unique(maintain_order=True).with_row_index(ITEM_CODE).cache()
    return (
        asked.join(items, on=ITEM_ID, how="left", maintain_order="left"),
        coded.join(items, on=ITEM_ID, how="left", maintain_order="left"),
    )
