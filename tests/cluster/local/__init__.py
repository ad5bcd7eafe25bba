"""Tests of the service of one machine, piece by piece."""
