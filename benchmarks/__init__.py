"""Benchmarks: windows and features (speed, beside other tools) and quality (how good the models are)."""
