"""A line on a tiny shop that is killed anywhere, or whose disk fails at any call: old or new, and whole in the end."""
