"""Hostile files for every reader of files from outside; see `__main__`."""
