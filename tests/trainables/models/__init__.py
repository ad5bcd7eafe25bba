"""Tests of `trainables/models/`."""
