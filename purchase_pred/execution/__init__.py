"""Where work is done: all users at once, or shards of users one by one."""

from purchase_pred.execution.features import features_by_shard
from purchase_pred.execution.shards import in_shard, shard_starts

__all__ = ["features_by_shard", "in_shard", "shard_starts"]
