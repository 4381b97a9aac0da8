import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, io
import polars as pl
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_users, simulate_world

dataset = DatasetSettings(num_users=2600, num_items=100, num_days=20, dirt={"late": 0.1, "exact_duplicates": 0.1})
users, catalog = simulate_users(dataset), simulate_catalog(dataset)
digest = hashlib.sha256()
for frame in (users, catalog, *(part for chunk in simulate_world(dataset, users, catalog)
                                for part in (chunk.events, chunk.truth))):
    file = io.BytesIO()
    frame.write_parquet(file)
    digest.update(file.getvalue())
print(pl.thread_pool_size(), digest.hexdigest())
"""


def run_with_threads(count):
    environment = os.environ | {"POLARS_MAX_THREADS": str(count), "OMP_NUM_THREADS": str(count)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    threads, digest = done.stdout.split()
    return int(threads), digest


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread")
def test_files_are_the_same_to_the_byte_whatever_the_number_of_threads():
    (few, one), (more, other) = run_with_threads(1), run_with_threads(4)
    assert (few, more) == (1, 4)
    assert one == other
