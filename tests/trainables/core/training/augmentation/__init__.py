"""Tests of `trainables/core/training/augmentation/`."""
