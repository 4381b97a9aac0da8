"""The definitions once more, as plain loops over tuples: slow, obvious, and independent of the library."""
