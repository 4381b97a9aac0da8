"""The night as a Dagster job: an op that calls the command and retries what the machine did, and nothing else."""

from __future__ import annotations

import json
import subprocess

from dagster import DailyPartitionsDefinition, Definitions, Failure, OpExecutionContext, RetryPolicy, job, op
from dagster import build_schedule_from_partitioned_job as scheduled

WORKSPACE = "/srv/shop"
COMMAND = ("purchase-pred", "nightly", "table", "/data/out/{day}.csv", "-w", WORKSPACE, "--wait", "2h", "--quiet")
MEND, LIMIT = 2, 3


@op(retry_policy=RetryPolicy(max_retries=3, delay=600))
def night(context: OpExecutionContext) -> None:
    """Append the day that has ended, and leave a list."""
    command = [word.format(day=context.partition_key) for word in COMMAND]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    context.log.info(done.stderr)
    if done.returncode not in {0, LIMIT}:
        raise Failure(done.stderr, allow_retries=done.returncode != MEND)
    told = json.loads(done.stdout)
    context.add_output_metadata({"model": told["model"] or "none", "listed": (told["list"] or {}).get("rows", 0)})
    for limit in told["limits"]:
        context.log.warning(limit)


@job(partitions_def=DailyPartitionsDefinition(start_date="2024-09-01"))
def purchase_pred_nightly() -> None:
    """Run the night of a day."""
    night()


definitions = Definitions(
    jobs=[purchase_pred_nightly], schedules=[scheduled(purchase_pred_nightly, hour_of_day=3, minute_of_hour=15)]
)
