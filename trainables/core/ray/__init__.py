"""The only code of `trainables` that knows Ray, and every private import of it."""
