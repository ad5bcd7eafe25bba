"""Tests of `benchmarks/core/chaos/`."""
