"""The file of a ledger as the one process holds it that writes it: its lock, whole lines, and what others do to it."""
