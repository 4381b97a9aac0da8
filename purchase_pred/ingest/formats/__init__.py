"""The formats of real logs, one file each: what their columns and events mean."""
