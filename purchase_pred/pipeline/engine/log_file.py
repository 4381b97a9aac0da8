"""`pipeline.log`: what ran and when, and the full traceback of whatever failed."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG_FORMAT: Final = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


@contextmanager
def logging_to(path: Path, /, *, listener: logging.Handler | None = None) -> Iterator[None]:
    """Write the package's log records, and Python's warnings, to the end of a file, and hand them to a listener.

    The file is made with the first record. An unwritable file stops nothing here: where it matters, the stage that
    writes beside it says so.
    """
    handler = _QuietFileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(LOG_FORMAT, TIME_FORMAT))
    handlers = [handler, *([listener] if listener else [])]
    loggers = [logging.getLogger("purchase_pred"), logging.getLogger("py.warnings")]
    levels = [logger.level for logger in loggers]
    logging.captureWarnings(capture=True)
    for logger in loggers:
        for one in handlers:
            logger.addHandler(one)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        for logger, level in zip(loggers, levels, strict=True):
            for one in handlers:
                logger.removeHandler(one)
            logger.setLevel(level)
            logger.propagate = True
        handler.close()


class _QuietFileHandler(logging.FileHandler):
    """A handler that neither prints a traceback nor raises when the file cannot be written."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        with suppress(OSError):  # what was still to be written goes, as the record did
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (its base's name)
        """Let the record go."""
