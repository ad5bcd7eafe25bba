"""Tests of `trainables/data/`."""
