"""Tests of `benchmarks/core/`."""
