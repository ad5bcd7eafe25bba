"""Tests of `trainables/core/ray/`."""
