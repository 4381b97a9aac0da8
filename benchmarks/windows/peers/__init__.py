"""One module per way to compute the same twelve window counts: four event types, three windows, by user.

A count of window w at prediction time T looks at the user's events in [T - w, T). Each module offers

- ``TITLE`` and ``DISTRIBUTIONS`` (whose versions are reported),
- ``load(events, anchors, order)``: read the two Parquet files into the form this tool likes best; not timed,
- ``compute(loaded)``: from there to a table of the counts in the tool's own form; timed,
- ``counts(result)``: that table as an array of one row per anchor, in the anchors' order, and the columns of `COLUMNS`,

and does all the anchors or, where that would take hours, the first of them: times are compared per anchor.
Nothing here needs more than the tool itself and numpy, so that each module also runs in an interpreter of its own.
"""

from importlib.metadata import version
from typing import Final, Literal

COUNTED: Final = ("view", "scroll", "add_to_cart", "purchase")
DAYS: Final = (1, 7, 30)
COLUMNS: Final = tuple(f"{event_type}_count_{days}d" for event_type in COUNTED for days in DAYS)
DAY: Final = 86_400_000_000
"""A day in microseconds."""

Order = Literal["sorted", "shuffled"]
"""Events by (user_id, timestamp, event_id), or in random order; anchors are by (user_id, prediction_time) always."""


def needs(distribution: str, *, below: int, because: str) -> None:
    """Raise ImportError, the reason for which a peer is skipped, unless the major version is below `below`."""
    found = version(distribution)
    if int(found.split(".")[0]) >= below:
        raise ImportError(f"{because}: it needs an environment with {distribution} below {below}, found {found}")
