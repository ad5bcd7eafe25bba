"""The machinery of readers: what a data set is, its files on a disk, its folds."""
