"""Where a study runs: one file or folder is one recipe. A recipe in Python is started by `python -m cluster.<name>`.

A recipe is a file, or a folder with a `README.md` of the exact commands: begin, watch, grow, upgrade, end, what was run.
A folder has a `__main__.py` too, such as `local`, where Python starts it. The docstring of a file or a `__main__.py` begins
with its command and says what it starts; `--help` explains the options under that command's name, and starts nothing.

The kinds of files in a folder decide what tests them (`tests/conformance/test_recipes.py`, `tests/system/recipes/`):
manifests and settings are held against the schemas of those who read them, and refused with a typo in any key. `core/` is
what recipes share: the image, the file of secrets. Modules may import `tuning/execution`, `tuning/records` (the home, its
passwords) and `tuning/text`; nobody imports them.
"""
