"""Tests of `drawing/`."""
