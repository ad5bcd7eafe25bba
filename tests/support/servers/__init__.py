"""Real servers of the tests: a bucket, a database, an MLflow, each ended by its own id."""
