"""Tests of `trainables/core/training/`."""
