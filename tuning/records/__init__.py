"""What is written down of a study, and read back: ledger, MLflow, registry. MLflow lives here."""
