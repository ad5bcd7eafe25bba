"""Tests of `tuning/execution/storage/`."""
