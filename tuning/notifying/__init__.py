"""Telling a person who is not looking: a command of theirs, run when a study ends or stalls."""
