"""Settings that all tests share."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# Tests run on every core, and so do the threads of boosters and scikit-learn: where these wait for each other by
# spinning, most of the time of all goes there. Both are read when the libraries are loaded, by what tests start too.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # where no test says how many
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

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
