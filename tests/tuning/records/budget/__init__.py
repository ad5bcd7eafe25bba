"""Tests of `tuning/records/budget/`."""
