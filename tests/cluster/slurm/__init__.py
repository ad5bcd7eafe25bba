"""Tests of the recipe for Slurm."""
