"""The declared groups of the dictionary, one module each."""
