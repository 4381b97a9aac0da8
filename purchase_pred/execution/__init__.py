"""Where work is done: shards of users, some of them at once, by threads or the workers of a cluster."""
