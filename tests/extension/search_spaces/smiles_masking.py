"""How much of a frame to mask: four rates against none, on four smiles. Not measured yet.

python tune.py run smiles_masking --data-root clips --folds all --seeds 3
python tune.py run smiles_masking --smoke
"""

from search_spaces.core.designs import sweep
from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="clip_folder",
    registered_model="smiles",
    design=sweep("masking_rate", [0.0, 0.05, 0.1, 0.2, 0.4], reference=0.0),
    settings={"backbone": "resnet18", "gru_hidden": 128, "num_frames": 4, "image_size": 48, "epochs": 45},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 6, "size": 96},
    smoke={"epochs": 1, "image_size": 32, "gru_hidden": 8},
)
