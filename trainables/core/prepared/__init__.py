"""From files to batches.

Found or made (cache.py): the bytes are hashed (content.py, fingerprint.py), the clips cropped (cropping.py, by ../faces/)
into a draft (draft.py, frame_file.py) or copied from what there is (earlier.py), faces that nobody names told apart where
that is asked for (clustering.py), folds cut of what can be used (kept.py, twins.py), and all of it told (told.py) and written
down (making.py).

Read (stored.py): the folds and the holdout of a study (splits.py), the frames of a trial (batches.py, keyframes.py). Taken out
again: people who withdraw (withdrawn.py, remaining.py).
"""
