"""SIGTERM and SIGHUP end a command as Ctrl-C does, wherever they fall, and nothing half made is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
import typer
from installed_command import SMALL
from purchase_pred_cli.failures import reporting_failures
from purchase_pred_cli.interruptions import interruptions

SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")]


@pytest.mark.parametrize(("number", "code", "message"), SIGNALS)
def test_a_signal_ends_a_run_with_its_code_and_leaves_nothing_half_made(
    tmp_path: Path, number: signal.Signals, code: int, message: str
) -> None:
    command = Path(sys.executable).with_name("purchase-pred")
    arguments = ["generate", "-w", tmp_path, *SMALL, "--set", "dataset.num_users=200000"]
    with subprocess.Popen([command, *arguments], stderr=subprocess.PIPE, text=True) as running:
        while not list(tmp_path.glob("data/raw/.*.partial")):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(number)
        _, told = running.communicate(timeout=60)

    assert running.returncode == code
    assert told == f"{message}; what was finished stays, and the next run completes the rest\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".log"] == [
        tmp_path / ".purchase_pred.lock"
    ]


def receive(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(10)


def receive_in_compiled_code(number: signal.Signals) -> None:
    """Make another error of an interrupt, as matplotlib's path code does."""
    try:
        receive(number)
    except KeyboardInterrupt:
        raise ValueError("Invalid affine transformation matrix") from None


@pytest.mark.parametrize(("number", "code", "_message"), SIGNALS)
def test_an_interrupt_that_compiled_code_makes_another_error_of_is_still_one(
    tmp_path: Path, number: signal.Signals, code: int, _message: str
) -> None:
    with pytest.raises(typer.Exit) as ending, reporting_failures(tmp_path):
        receive_in_compiled_code(number)
    assert ending.value.exit_code == code


def test_a_second_interrupt_does_not_disturb_the_report_of_the_first() -> None:
    with interruptions() as caught:
        caught.is_told = True
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
    assert caught.number == signal.SIGINT


class Thing:
    """Something that can be referred to weakly."""


def test_an_interrupt_that_falls_into_a_callback_is_raised_after_it() -> None:
    def callback(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    def lose() -> None:
        thing = Thing()
        kept = weakref.ref(thing, callback)
        del thing  # Python drops what a callback raises
        time.sleep(5)
        assert kept() is None

    with pytest.raises(KeyboardInterrupt), interruptions() as caught:
        lose()
    assert caught.number == signal.SIGINT


def test_an_interrupt_that_falls_where_one_is_raised_again_is_not_dropped_with_it() -> None:
    def callback(_: object) -> None:
        raise RuntimeError("reported by the hook that was there before")

    def lose() -> None:
        thing = Thing()
        kept = weakref.ref(thing, callback)
        del thing
        time.sleep(5)
        assert kept() is None

    before = sys.unraisablehook
    sys.unraisablehook = lambda _: (os.kill(os.getpid(), signal.SIGINT), time.sleep(0.1))
    try:
        with pytest.raises(KeyboardInterrupt), interruptions() as caught:
            lose()
    finally:
        sys.unraisablehook = before
    assert caught.number == signal.SIGINT


def test_a_signal_that_was_ignored_still_is() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptions() as caught:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.1)
        assert caught.number is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_where_ctrl_c_is_ignored_as_in_the_background_the_others_still_end_the_command() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), interruptions() as caught:
            receive(signal.SIGTERM)
        assert caught.number == signal.SIGTERM
    finally:
        signal.signal(signal.SIGINT, before)


def test_handlers_and_hook_are_as_before_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [*(signal.getsignal(number) for number in numbers), sys.unraisablehook, threading.active_count()]
    with interruptions():
        pass
    after = [*(signal.getsignal(number) for number in numbers), sys.unraisablehook, threading.active_count()]
    assert after == before
