"""What several verbs of a promotion run: another choice, the race, the champion beside it, refits."""
