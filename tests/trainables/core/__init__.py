"""Tests of `trainables/core/`."""
