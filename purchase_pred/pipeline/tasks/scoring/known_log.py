"""The log of a workspace as it is known at a moment, and the moment itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.execution.known_log import KnownLog
from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.tasks.scoring.input_checks import check_inputs
from purchase_pred.schema import CATALOG, SESSIONIZED, TIMESTAMP, USERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

_TICK: Final = timedelta(microseconds=1)
_YEARS: Final = range(1000, 9000)


def known_log(
    workspace: Workspace, settings: Settings, /, *, as_of: datetime | None, warns: Callable[[str], None]
) -> KnownLog:
    """Return what is known of a workspace's log before a moment.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    settings
        Those that a model brings.
    as_of
        Events before this moment, strictly, are known; None: all events.
    warns
        Is told what the user should know and what stops nothing.

    Raises
    ------
    InputError
        There is no event before the moment, or the inputs do not belong together.
    ConfigError
        The sessions were made with another gap.
    """
    check_inputs(workspace, settings, warns=warns)
    path = workspace.path(SESSIONIZED_FILE)
    log = scan(path, SESSIONIZED)
    first, last = log.select(first=pl.col(TIMESTAMP).min(), last=pl.col(TIMESTAMP).max()).collect().row(0)
    moment = last + _TICK if as_of is None else as_of
    if first >= moment:
        raise InputError(f"no event is known before {moment_text(moment)}: the log begins at {moment_text(first)}")
    return KnownLog(
        sessionized=log,
        settings=settings,
        as_of=moment,
        catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG),
        users=scan_if_there(workspace.path(USERS_FILE), USERS),
        assume_sorted=is_output_of("sessionize", path),
    )


def parse_moment(text: str, /) -> datetime:
    """Return a moment as people write it, in UTC where no zone is given.

    Raises
    ------
    ConfigError
        The text is no ISO 8601 date or time, or lies outside of the years 1000 to 8999.

    Examples
    --------
    >>> parse_moment("2024-09-01").isoformat(), parse_moment("2024-09-01T12:00+02:00").isoformat()
    ('2024-09-01T00:00:00+00:00', '2024-09-01T10:00:00+00:00')
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"a moment is written 2024-09-01 or 2024-09-01T12:00:00Z, found {text!r}") from error
    if moment.year not in _YEARS:  # so that nothing that is reckoned from it falls out of the calendar
        raise ConfigError(f"a moment must lie in the years {_YEARS[0]} to {_YEARS[-1]}, found {text!r}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def moment_text(moment: datetime, /) -> str:
    """Return a moment as messages show it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
