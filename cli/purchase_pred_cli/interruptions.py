"""Signals: SIGTERM and SIGHUP end a command as Ctrl-C does, and none of the three gets lost."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
_STOP, _AGAIN = b"\x00", b"\xff"
_A_MOMENT = 0.001
"""Seconds before an interrupt is raised again: time for the callback that lost it to end."""


@dataclass
class Interruption:
    """Which signal asked the command to end; None: none did."""

    number: int | None = None
    is_told: bool = False
    """Whether the end is being reported: nothing interrupts that, such as Python's own after that of Polars."""


@contextmanager
def interruptions() -> Iterator[Interruption]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt while inside, as SIGINT is, and tell which it was.

    Python handles signals between two of its own instructions. A thread that waits for them passes the two on as
    SIGINT, which Polars heeds within a query too; and where an interrupt fell into a callback whose exceptions Python
    drops, as matplotlib has many, it is raised again. A signal that was ignored before, as by `nohup`, still is.
    """
    caught = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = threading.Thread(target=_pass_on, args=(reading, caught), daemon=True)
    handlers = _install(caught, writing)
    hook = sys.unraisablehook
    sys.unraisablehook = partial(_raise_again, writing, hook)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher.start()
    try:
        yield caught
    finally:
        signal.set_wakeup_fd(wakeup)
        sys.unraisablehook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.write(writing, _STOP)
        watcher.join()
        os.close(writing)
        os.close(reading)


def _install(caught: Interruption, writing: int) -> dict[signal.Signals, Any]:
    """Install the handlers, and return those that were there."""
    deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN

    def interrupt(number: int, frame: FrameType | None) -> None:
        caught.number = caught.number or number
        if _is_raising_again(frame):  # what is raised there would be dropped as well
            os.write(writing, _AGAIN)
        elif not caught.is_told:
            raise KeyboardInterrupt

    def note(number: int, _frame: FrameType | None) -> None:
        caught.number = number
        if deaf and not caught.is_told:  # what is passed on is not heard
            raise KeyboardInterrupt

    wanted = {signal.SIGINT: interrupt, **dict.fromkeys(_PASSED_ON, note)}
    heard = [number for number in wanted if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    return {number: signal.signal(number, wanted[number]) for number in heard}


def _pass_on(reading: int, caught: Interruption) -> None:
    while (byte := os.read(reading, 1)) != _STOP:
        if byte[0] in _PASSED_ON:
            caught.number = byte[0]
        if byte == _AGAIN:
            time.sleep(_A_MOMENT)
        if byte == _AGAIN or byte[0] in _PASSED_ON:
            os.kill(os.getpid(), signal.SIGINT)


def _raise_again(writing: int, hook: "Callable[[UnraisableHookArgs], Any]", dropped: "UnraisableHookArgs") -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        os.write(writing, _AGAIN)
    else:
        hook(dropped)


def _is_raising_again(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not _raise_again.__code__:
        frame = frame.f_back
    return frame is not None
