"""Tests of `trainables/data/core/`."""
