"""Tests of `tuning/statistics/`."""
