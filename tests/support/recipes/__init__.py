"""The recipes of `cluster/`: what is in them, what each kind of file is held against, and typos to plant in it."""
