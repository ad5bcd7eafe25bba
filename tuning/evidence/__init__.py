"""Evidence of a study, read from its ledger and files."""
