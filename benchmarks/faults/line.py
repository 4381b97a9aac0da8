"""Commands on a tiny shop, each in a process of its own that is copied from this one, which has them imported."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TINY: Final = (
    *("dataset.num_users=200", "dataset.num_items=60", "dataset.num_days=30", "target.horizon=2d"),
    *("features.windows=[1d, 7d]", "train.models=[lightgbm]", "train.lightgbm.max_rounds=5", "train.threads=1"),
    "train.threshold.resamples=0",
)
_IMPORTED: Final = ("lightgbm", "sklearn.isotonic", "matplotlib.figure", "purchase_pred.pipeline.registry",
                    "purchase_pred.pipeline.tasks.night.run", "purchase_pred_cli.app")  # fmt: skip
_POLL: Final = 0.005


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """The exit code, of a signal minus its number."""
    told: str
    """What it said on stderr."""
    seconds: float


def warm() -> None:
    """Import what the commands need, so that copies of this process need not."""
    for name in _IMPORTED:
        import_module(name)


def assigned(settings: Sequence[str], /) -> list[str]:
    """Return the options that give the settings these values."""
    return [word for text in settings for word in ("--set", text)]


def ended(
    arguments: Sequence[str],
    /,
    *,
    kill_after: float | None = None,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a command to its end, or kill it after so many seconds; `before` and `after` run in its process."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        started = time.monotonic()
        process = os.fork()
        if not process:
            _be(arguments, told, before, after)
        code = None
        while code is None:
            found, status = os.waitpid(process, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if found else None
            if code is None and kill_after is not None and time.monotonic() - started > kill_after:
                os.kill(process, signal.SIGKILL)
                kill_after = None
            time.sleep(_POLL)
        said = told.read_text(encoding="utf-8") if told.exists() else ""
        return Ended(code, said, time.monotonic() - started)


def _be(arguments: Sequence[str], told: Path, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Be the command, in the copy of the process that is to run it; never returns."""
    code = 70
    try:
        for stream, path in ((0, os.devnull), (1, os.devnull), (2, str(told))):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
        sys.argv = ["purchase-pred", *arguments]
        before()
        import_module("purchase_pred_cli").main()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:  # noqa: BLE001  (whatever it is, it ends the copy and not the one that it was copied from)
        traceback.print_exc()
    finally:
        after()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
