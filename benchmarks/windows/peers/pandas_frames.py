"""The two frames as the peers built on pandas hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet file, event types as a categorical column and times as datetime64[us] without a zone.

    The detour over text is for pyarrow releases that go with numpy 1 and do not convert unsigned category codes.
    """
    table = pq.read_table(path)
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(position, field.name, table[field.name].cast(pa.string()).dictionary_encode())
        elif pa.types.is_timestamp(field.type):
            table = table.set_column(position, field.name, table[field.name].cast(pa.timestamp("us")))
    return table.to_pandas()
