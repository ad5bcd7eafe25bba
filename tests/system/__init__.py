"""Tests that need a package of the system; collected only where `pytest tests/system` is asked for."""
