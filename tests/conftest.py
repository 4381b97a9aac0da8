"""Settings that all tests share."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",  # the same examples on every machine and in every run
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("explore", parent=settings.get_profile("suite"), derandomize=False)  # others
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# In the background signals may be ignored, and are then by all that is started: hear them as from a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
