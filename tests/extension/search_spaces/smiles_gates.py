"""Which gate, and how wide a recurrent layer, tells four smiles apart. Not measured yet.

python tune.py run smiles_gates --data-root clips
python tune.py run smiles_gates --smoke
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="clip_folder",
    registered_model="smiles",
    parameters={
        "attention": tune.choice(["none", "eca", "spatial"]),
        "gru_hidden": tune.choice([64, 128, 256]),
        "lr": tune.loguniform(1e-4, 1e-2),
    },
    settings={"backbone": "resnet18", "rbg_depth": 1, "num_frames": 4, "image_size": 48, "epochs": 45},
    num_samples=12,
    first_points=({"attention": "none", "gru_hidden": 128, "lr": 1e-3},),
    controls={"order_blind": {"temporal": "mean"}},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 6, "size": 96},
    smoke={"epochs": 1, "image_size": 32},
)
