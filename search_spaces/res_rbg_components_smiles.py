"""The six rows of Res-RBG's ablation on four smiles that only order tells apart: real faces of 80 people.

Data are those of `smiles`; settings those that it had before its recipe, a small network that is known to learn there and has
nothing that is not the paper's; rows those of `res_rbg_components` (Mou et al., Sensors 2025, 25, 3829, who publish none on
this data), with recurrent layers of 128 units. 80 people in 5 folds: 30 trainings of about 150 s a seed, 40 minutes on 2
cores. Our results, time and hardware stand in `benchmarks/RESULTS.md`.

    python tune.py run res_rbg_components_smiles --data-root ../shared/faces/smiles --folds all --seeds 1
    python tune.py run res_rbg_components_smiles --data-root ../shared/faces/smiles --smoke
"""

import dataclasses

from search_spaces import res_rbg_components, smiles
from search_spaces.core.designs import named

STUDY = dataclasses.replace(
    smiles.STUDY,
    parameters={},
    first_points=(),
    controls={},
    design=named(res_rbg_components.ROWS, reference="baseline"),
    settings={
        "backbone": "resnet18",
        "shortcut": "linear",
        "num_frames": 4,
        "image_size": 48,
        "epochs": 45,
        "batch_size": 16,
        "batch_by": "subject",
        "label_smoothing": 0.1,
        "precision": "bfloat16",
        "max_rotation_deg": 5.0,
        "max_shift": 0.03,
        "max_zoom": 0.05,
        "max_brightness": 0.1,
        "max_drift": 0.6,
        "gru_hidden": 128,
    },
    smoke={**smiles.STUDY.smoke, "gru_hidden": 8},
)
