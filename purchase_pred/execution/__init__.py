"""Where work is done: all users at once, or shards of users one by one."""

from purchase_pred.execution.shards import in_shard, shard_starts

__all__ = ["in_shard", "shard_starts"]
