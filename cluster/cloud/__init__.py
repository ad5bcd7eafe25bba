"""Machines of a cloud by Ray's cluster launcher: a head that stays and ends itself when idle, workers that come and go."""
