"""What the machines of a cluster see of a study's files."""
