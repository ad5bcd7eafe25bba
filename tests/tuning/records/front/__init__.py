"""Tests of `tuning/records/front/`."""
