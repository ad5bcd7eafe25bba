"""Tests of `tuning/records/`."""
