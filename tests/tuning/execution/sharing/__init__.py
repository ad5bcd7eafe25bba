"""Tests of `tuning/execution/sharing/`."""
