"""The time of a training: its steps, a reference workload beside them, and the seconds of a whole schedule from both."""
