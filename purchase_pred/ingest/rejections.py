"""When too much of a log had to be rejected, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.errors import InputError
from purchase_pred.ingest.suggestions import likely_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ON_REQUEST: Final = "ignored_event"
_CURES: Final[Mapping[str, str]] = {
    "bad_time": "name the column of the times with --map timestamp=NAME or their form with --time-format",
    "missing_user_id": "name the column of the users with --map user_id=NAME",
    "missing_item_id": "name the column of the items with --map item_id=NAME",
    "out_of_range_time": (
        "name the form of the times with --time-format, or move what is taken for possible with ingest.earliest, "
        "ingest.latest and ingest.outlier_distance"
    ),
    "duplicate": "keep repeated rows with ingest.duplicates=keep",
}


def check_rejected(
    counts: Mapping[str, int],
    /,
    *,
    rows: int,
    max_rejected: float,
    examples: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Refuse a log of which too much was rejected, or all.

    Parameters
    ----------
    counts
        Rejected rows by reason; "ignored_event", which the user asked for, does not count.
    rows
        Rows of the source, sound or not.
    max_rejected
        The largest share of rows, those ignored left aside, that may be rejected; exactly this share is allowed.
    examples
        For a reason, texts that could not be read, the most frequent first.

    Raises
    ------
    InputError
        Gives the counts by reason, the share, and the options that would change it.

    Examples
    --------
    >>> check_rejected({"duplicate": 5}, rows=100, max_rejected=0.05)
    >>> check_rejected({"unknown_event": 30}, rows=100, max_rejected=0.05, examples={"unknown_event": ["order"]})
    Traceback (most recent call last):
    purchase_pred.errors.InputError: 30 of 100 rows (30 %) were rejected, ingest.max_rejected allows 5 %: unknown_event 30 ('order'); map event names with --event purchase=order, leave events out with --event ignore=NAME, or raise ingest.max_rejected
    """  # noqa: E501  (the message is one line, and the example shows it whole)
    shown = examples or {}
    faults = {reason: count for reason, count in counts.items() if count and reason != _ON_REQUEST}
    considered = rows - counts.get(_ON_REQUEST, 0)
    rejected = sum(faults.values())
    if considered <= 0:
        raise InputError(f"all {rows:,} rows are of events that --event ignore leaves out; no event is left")
    if rejected < considered and rejected <= max_rejected * considered:
        return
    by_reason = ", ".join(
        f"{reason} {count:,}{_texts(shown.get(reason, ()))}"
        for reason, count in sorted(faults.items(), key=lambda fault: (-fault[1], fault[0]))
    )
    raise InputError(
        f"{rejected:,} of {considered:,} rows ({100 * rejected / considered:.3g} %) were rejected, "
        f"ingest.max_rejected allows {100 * max_rejected:.3g} %: {by_reason}; "
        f"{_cure(faults, shown, all_gone=rejected == considered)}"
    )


def _texts(texts: Sequence[str]) -> str:
    return f" ({', '.join(map(repr, texts))})" if texts else ""


def _cure(faults: Mapping[str, int], examples: Mapping[str, Sequence[str]], *, all_gone: bool) -> str:
    cures = []
    if "unknown_event" in faults:
        names = examples.get("unknown_event", ())
        likely = [f"--event {event}={name}" for name in names if (event := likely_event(name))]
        cures.append(f"map event names with {' '.join(likely) or '--event purchase=NAME'}")
        cures.append("leave events out with --event ignore=NAME")
    cures += [cure for reason, cure in _CURES.items() if reason in faults]
    if not all_gone:
        cures.append("or raise ingest.max_rejected")
    return ", ".join(cures)
