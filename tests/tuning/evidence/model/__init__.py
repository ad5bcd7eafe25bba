"""Tests of `tuning/evidence/model/`."""
