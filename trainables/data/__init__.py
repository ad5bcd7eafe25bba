"""Data sets: one file is one reader, with `load(root) -> Dataset`."""
