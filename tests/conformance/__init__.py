"""Tests of whatever lies in a folder, by being there."""
