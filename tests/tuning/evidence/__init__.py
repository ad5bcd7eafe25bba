"""Tests of `tuning/evidence/`."""
