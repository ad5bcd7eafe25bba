"""Fakes, builders and drivers of the tests."""
