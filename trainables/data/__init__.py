"""Data sets: one file is one reader, and its file name is the name of the data set.

`trainables/data/<name>.py` defines `load(root) -> Dataset` (`core/dataset.py` says what that is), and every file is tested
for this (`tests/conformance/test_datasets.py`):

- The first line of its docstring says what data it reads.
- `root` is whatever folder a user gives. What is no copy of the data set is a `DataError` that names `root` and says what
  is `Expected`; `core/layout.py` finds folders, `core/frames.py` reads them, without `._` twins and their like.
- `name` is the file's; classes are in lower case, clips have distinct ids, and paths that are files below `root`.
- Folds have a train, a validation and a test part that share no subject, and test no clip twice: the published ones, or
  those that `core/folds.py` and `core/protocols.py` cut. Loading twice gives the same.
- `EXAMPLE` maps the files of a tiny made-up copy, by path below the root, to their text; images and videos have none,
  `""`, and are filled with noise. A reader whose layout `drawing/layouts/<name>.py` draws needs none.
"""
