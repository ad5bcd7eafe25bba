"""Tests of `tuning/execution/`."""
