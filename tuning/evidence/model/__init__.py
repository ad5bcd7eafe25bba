"""A registered model of one or several trainings: what it is of, and what it follows."""
