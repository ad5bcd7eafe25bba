"""Tests of `tuning/records/kept/`."""
