"""What one trial trains: one file is one published system. Ray is in `core/ray`, MLflow in one file of `core/serving`."""
