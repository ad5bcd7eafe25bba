"""Tests of MLflow's runs of a study."""
