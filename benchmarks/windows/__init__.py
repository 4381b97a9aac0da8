"""Window counts by every tool that can be installed."""
