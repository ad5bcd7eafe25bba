"""Trainings of champions that a home keeps, so that the next study beside the same champion need not train it again.

All that the numbers of one depend on (key.py), and the files (store.py). Who reads and writes them around a race stands in
`tuning/confirming/kept_trainings.py`; why, in docs/decisions/0035.
"""
