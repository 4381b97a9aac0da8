"""The one place where errors become messages and exit codes."""

import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from purchase_pred_cli.interruptions import Interruption, interruptions
from purchase_pred_cli.safe_text import safe_text

DONE = 0
FAILED = 1
WRONG_INPUT = 2
GATE_MISSED = 3
BY_SIGNAL = 128
"""A command that a signal ends gives this plus the number of the signal, as shells do."""

_NOT_WRITABLE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
    *(errno.ENAMETOOLONG, errno.ELOOP),
}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ENDED = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


@contextmanager
def reporting_failures(workspace: Path, *, verbose: bool = False, as_json: bool = False) -> Iterator[None]:
    """Turn whatever is raised inside into one message on stderr and an exit code; tracebacks go to the log file.

    With `as_json` the error is also the JSON document on stdout. A missed gate is an answer and no failure: it leaves
    nothing in the log, and its document was printed before.
    """
    from polars.exceptions import PanicException

    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.engine.log_file import logging_to
    from purchase_pred.pipeline.engine.workspace import LOG_FILE

    log_file = workspace / LOG_FILE
    with interruptions() as caught, logging_to(log_file, listener=_Echo() if verbose else None):
        try:
            _check_streams()
            yield
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except GateError as error:
            code, message = explain(error)
            _tell(f"error: {message}")
            raise typer.Exit(code) from error
        except BrokenPipeError as error:
            _drop_output()  # whoever read it has seen enough, as with any command before `head`
            raise typer.Exit(BY_SIGNAL + signal.SIGPIPE) from error
        except (Exception, KeyboardInterrupt, PanicException) as error:
            caught.is_told = True
            code, message = _failed(error, caught, log_file)
            if as_json:
                _print_error(error, code, message)
            _tell(f"error: {message}" if code < BY_SIGNAL else message)
            raise typer.Exit(code) from error


def report_usage(message: str, *, as_json: bool = False) -> None:
    """Report a wrong usage that shows before there is a workspace to log to, and end the command.

    Raises
    ------
    Exit
        Always, with the exit code of wrong usage.
    """
    if as_json:
        print_error("UsageError", WRONG_INPUT, message)
    _tell(f"error: {message}")
    raise typer.Exit(WRONG_INPUT)


def print_error(kind: str, code: int, message: str) -> None:
    """Print an error as the one JSON document on stdout."""
    from purchase_pred_cli.console import print_json

    try:
        print_json({"schema_version": 1, "error": {"type": kind, "message": message, "exit_code": code}})
        sys.stdout.flush()
    except (OSError, AttributeError):  # stdout is what failed
        _drop_output()


def _print_error(error: BaseException, code: int, message: str) -> None:
    print_error("Interrupted" if code > BY_SIGNAL else type(error).__name__, code, message)


def _failed(error: BaseException, caught: Interruption, log_file: Path) -> tuple[int, str]:
    """Log a failure, and return its exit code and what to tell the user."""
    logger = logging.getLogger("purchase_pred.cli")
    # where an interrupt fell into compiled code, that may have made another error of it
    if caught.number or _is_interrupt(error):
        number = signal.Signals(caught.number or signal.SIGINT)
        logger.warning(_ENDED[number])
        told = f"{_ENDED[number]}; what was finished stays, and the next run completes the rest"
        return BY_SIGNAL + number, told
    code, message = explain(error)
    # the log file is the traceback's only place: on the terminal one message is enough
    logger.error(message, exc_info=error)
    if isinstance(error, OSError) and not error.filename:
        _drop_output_if_full()
    logged = os.path.isfile(log_file)  # noqa: PTH113  (pathlib's raises where the folder may not be read)
    return code, f"{message} (details: {log_file})" if code == FAILED and logged else message


def _check_streams() -> None:
    """Raise unless there is a stdout to print results to."""
    if sys.stdout is None:
        from purchase_pred.errors import ConfigError

        raise ConfigError("standard output is closed, and results go there: send it to a file, or to /dev/null")


def _drop_output() -> None:
    """Let what is still to be printed go, so that the interpreter does not stumble over it at its end."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _drop_output_if_full() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop_output()


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
    with suppress(OSError, ValueError, AttributeError):  # nobody listens: the exit code still tells
        typer.echo(safe_text(message), err=True)
