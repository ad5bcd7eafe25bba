"""Where a study runs: one file or folder is one recipe, started by `python -m cluster.<name>`.

A recipe is a file, or a folder with a `__main__.py` such as `local`. Its docstring begins with its command and says what it
starts; `--help` explains the options under that command's name, and starts nothing (`tests/conformance/test_recipes.py`).
It may import `tuning/execution`, `tuning/records` (the home, its passwords) and `tuning/text`; nobody imports it.
"""
