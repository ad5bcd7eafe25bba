"""Tests of `tuning/`."""
