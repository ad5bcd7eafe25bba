"""Tests of `trainables/`."""
