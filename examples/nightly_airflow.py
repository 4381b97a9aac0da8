"""The night as an Airflow DAG: a task that calls the command and retries what the machine did, and nothing else."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

WORKSPACE = "/srv/shop"
COMMAND = ("purchase-pred", "nightly", "table", "/data/out/{day}.csv", "-w", WORKSPACE, "--wait", "2h", "--quiet")
MEND, LIMIT = 2, 3


@dag(
    schedule="15 3 * * *",
    start_date=datetime(2024, 9, 1, tzinfo=UTC),
    catchup=True,  # nights that were missed are run one after the other, in their order
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
)
def purchase_pred_nightly() -> None:
    """Append the day that has ended, and leave a list."""

    @task
    def night(ds: str | None = None) -> str:
        command = [word.format(day=ds) for word in COMMAND]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stderr)
        if done.returncode == MEND:
            raise AirflowFailException(done.stderr)  # no retry mends it
        if done.returncode not in {0, LIMIT}:
            raise AirflowException(done.stderr)
        return done.stdout  # one line of JSON; its `limits` are for whoever is told

    night()


purchase_pred_nightly()
