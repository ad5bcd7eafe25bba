"""What a ledger says, read from files."""
