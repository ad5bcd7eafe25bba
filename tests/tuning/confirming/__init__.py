"""Tests of `tuning/execution/devices/`."""
