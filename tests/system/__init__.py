"""Tests that need a browser, a large Ray or minutes; collected only where `pytest tests/system` is asked for."""
