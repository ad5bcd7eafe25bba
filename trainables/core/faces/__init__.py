"""From the frames of a clip to the crops of one face.

A face is found (mtcnn.py), and told from others by how it looks (appearance.py). Where the picture changes at once, another
shot begins (shots.py). People are linked over the frames (people.py), looked for more closely where they move (looking.py),
and one is followed along a smooth path (path.py), cut out upright (crops.py, finder.py) and handed on (clip.py).

Other ways to crop: faces that were given as crops (given.py), and one box for a whole clip, as versions up to 0.2 had it
(fixed_box.py): what was prepared or trained so goes on so. Their names are in ways.py; finders.py makes them.
"""
