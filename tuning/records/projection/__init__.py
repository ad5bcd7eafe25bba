"""MLflow as a projection of the ledger: the runs of a study, what each event writes to them, and how they end."""
