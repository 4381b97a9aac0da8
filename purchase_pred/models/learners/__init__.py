"""The three learners behind one protocol: how each is fitted, read back and checked."""
