"""Workspaces on an object store: a copy in a folder of this machine, a lease, and changes that are made whole."""
