"""The one place where errors become messages and exit codes."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

DONE = 0
FAILED = 1
WRONG_INPUT = 2
GATE_MISSED = 3
INTERRUPTED = 130

_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def reporting_failures(workspace: Path, *, verbose: bool = False) -> Iterator[None]:
    """Turn whatever is raised inside into one message on stderr and an exit code; tracebacks go to the log file.

    A missed gate is an answer and no failure, so it leaves nothing there.
    """
    from polars.exceptions import PanicException

    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.engine.log_file import logging_to
    from purchase_pred.pipeline.engine.workspace import LOG_FILE

    log_file = workspace / LOG_FILE
    with logging_to(log_file, listener=_Echo() if verbose else None):
        try:
            yield
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except GateError as error:
            code, message = explain(error)
            _tell(f"error: {message}")
            raise typer.Exit(code) from error
        except (Exception, KeyboardInterrupt, PanicException) as error:
            if _is_interrupt(error):
                logging.getLogger("purchase_pred.cli").warning("interrupted")
                _tell("interrupted; what was finished stays, and the next run completes the rest")
                raise typer.Exit(INTERRUPTED) from error
            code, message = explain(error)
            # the log file is the traceback's only place: on the terminal one message is enough
            logging.getLogger("purchase_pred.cli").exception(message)
            if code == FAILED and log_file.is_file():
                message = f"{message} (details: {log_file})"
            _tell(f"error: {message}")
            raise typer.Exit(code) from error


def _is_interrupt(error: BaseException) -> bool:
    """Tell Ctrl-C, also where it fell into Python code that Polars was calling, which makes Polars panic."""
    return isinstance(error, KeyboardInterrupt) or (
        not isinstance(error, Exception) and "KeyboardInterrupt" in str(error)
    )


class _Echo(logging.Handler):
    """Shows the log as it is written; tracebacks stay in the file."""

    def emit(self, record: logging.LogRecord) -> None:
        _tell(f"{record.name}: {record.getMessage()}")


def explain(error: BaseException) -> tuple[int, str]:
    """Return the exit code of an error and what to tell the user."""
    from purchase_pred.errors import ConfigError, GateError, InputError, PurchasePredError

    if isinstance(error, PurchasePredError):
        kinds = {GateError: GATE_MISSED, ConfigError: WRONG_INPUT, InputError: WRONG_INPUT}
        return next((code for kind, code in kinds.items() if isinstance(error, kind)), FAILED), str(error)
    return _explain_other(error)


def _explain_other(error: BaseException) -> tuple[int, str]:
    """Explain an error that is not this program's own."""
    number = _errno(error)
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    if number in _NOT_WRITABLE:
        return WRONG_INPUT, f"{where}cannot be written to ({_reason(error)}); choose another --workspace or its rights"
    if number in _NO_SPACE:
        return FAILED, f"{where}no space left on the disk; earlier outputs are as they were: free some space, run again"
    if isinstance(error, MemoryError):
        return FAILED, "not enough memory; a smaller data set or a machine with more would do"
    return FAILED, f"unexpected {type(error).__name__}: {_first_line(error)}"


def _errno(error: BaseException) -> int | None:
    """Return the system's error number, also where Polars has put it into the text of an error of its own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    return next((number for number in (*_NOT_WRITABLE, *_NO_SPACE) if f"(os error {number})" in text), None)


def _reason(error: BaseException) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no message"


def _tell(message: str) -> None:
    typer.echo(message, err=True)
