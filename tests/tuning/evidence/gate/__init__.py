"""Tests of `tuning/evidence/gate/`."""
