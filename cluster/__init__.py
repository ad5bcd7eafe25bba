"""Where a study runs: one file or folder is one recipe."""
