"""Tests of `trainables/core/prepared/`."""
