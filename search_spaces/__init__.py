"""What a study varies: one file is one study, a search or an ablation, and its file name is its name.

`search_spaces/<name>.py` defines `STUDY = Study(...)`; what each field means says `core/study.py`, how variants are written
`core/designs.py`. `smiles.py` is an example of a search, `res_rbg_depth.py` of an ablation. Every file is tested for this
(`tests/conformance/test_studies.py`):

- Its docstring holds the exact command, `python tune.py run <name>`, with `--data-root` where the study has no `drawing`.
- `registered_model` is the name of the task, a Python identifier, and not that of the network.
- `smoke` overrides settings for a run of seconds: fewer `epochs`, and nothing that is searched or that a variant changes.
- `first_points` lie in the space; `controls` and variants build a network; `drawing` is what the layout's `write` takes.
- `published` quotes rates as shares (0.981 for 98.1 %).
"""
