"""`rees46`: the REES46 (Open CDP) shop logs, a CSV file per month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.ingest.columns import event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_files
from purchase_pred.schema import (
    ADD_TO_CART,
    CATEGORY,
    EVENT_TYPE,
    ITEM_ID,
    PRICE,
    PURCHASE,
    REMOVE_FROM_CART,
    TIMESTAMP,
    USER_ID,
    VIEW,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_COLUMNS: Final[Mapping[str, str]] = {
    TIMESTAMP: "event_time",
    USER_ID: "user_id",
    EVENT_TYPE: "event_type",
    ITEM_ID: "product_id",
    PRICE: "price",
    CATEGORY: "category_code",
}
_EVENTS: Final[Mapping[str, str]] = {
    "view": VIEW,
    "cart": ADD_TO_CART,
    "remove_from_cart": REMOVE_FROM_CART,
    "purchase": PURCHASE,
}


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read REES46 logs.

    Parameters
    ----------
    files
        ``event_time, event_type, product_id, category_id, category_code, brand, price, user_id, user_session``.
    settings
        Names that go before the format's own.

    Notes
    -----
    The category is the whole ``category_code`` (``electronics.smartphone``), the shelf on which shoppers compare; it
    is empty for many items, whose category is null. ``category_id`` is not used in its place: it would give one shelf
    two names. ``user_session`` is not used: sessions are cut by the one rule that holds for every log. A price of 0
    is a price not shown.

    Raises
    ------
    InputError
        A column is missing.
    """
    return SourceLog(
        rows=number_rows(scan_files(files)),
        columns=source_columns(files, _COLUMNS, settings, optional=(PRICE, CATEGORY)),
        events=event_names(_EVENTS, settings),
        files=tuple(file.path for file in files),
    )
