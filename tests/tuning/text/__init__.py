"""Tests of `tuning/text/`."""
