"""The budget of error as the registry keeps it: which questions were asked of whom, at which level, with what end."""
