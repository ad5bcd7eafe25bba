"""What one trial trains: one file is one published system. Needs no Ray and no MLflow outside two files of `core/`."""
