"""One machine as a service: a Ray head and an MLflow server, both on loopback, with passwords of their own."""
