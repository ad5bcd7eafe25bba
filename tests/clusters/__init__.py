"""Tests on clusters of several studies or machines, minutes each: `make test-cluster`."""
