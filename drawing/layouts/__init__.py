"""Drawn data sets on disk: one file writes the layout of one data set, and has the name of its reader in `trainables/data/`.

`drawing/layouts/<name>.py` defines `write(root, *, difficulty, num_subjects, seed, on_progress=None, ...)`, every setting
but `root` with a default; `rml.py` is an example. Every file is tested for this (`tests/conformance/test_layouts.py`):

- `draw_shots` (`drawing/shots.py`) draws the clips and calls `on_progress`; `write_tree` (`drawing/tree.py`) puts the tree
  in its place, whole or not at all, with a marker that holds every setting: all of them are handed to it.
- A number that is too small is refused by `check_at_least` before anything is written.
- `num_frames` and `size` go together, where the data set is no set of stills of one size.
- The reader loads the tree: a clip that can be read of every class, and from every person.
- What is wrong with real copies (twins, empty folders, broken clips) is drawn unless `traps=False`, where there is such
  a setting.
"""
