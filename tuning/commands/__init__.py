"""Commands of the command line that would not fit into tune.py; each is registered there."""
