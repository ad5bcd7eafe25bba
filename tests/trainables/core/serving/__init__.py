"""Tests of `trainables/core/serving/`."""
