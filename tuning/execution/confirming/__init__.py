"""What a confirmation runs: another choice, the race, the champion beside it, refits."""
