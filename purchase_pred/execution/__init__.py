"""Where work is done: shards of users, one after the other and some of them ahead."""

from purchase_pred.execution.features import features_by_shard

__all__ = ["features_by_shard"]
