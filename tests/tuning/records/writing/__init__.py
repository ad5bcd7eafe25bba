"""Tests of `tuning/records/writing/`."""
