"""The four smiles of `smiles`, from a network that learned expressions in single pictures: how much of it stays as it was.

Data, people, holdout and place in the registry are those of `smiles`. The weights are face-api's (MIT; its training pictures
are not named), 1.3 MB, and lie beside the data; `weights="face_api"` takes them from torch's folder instead. Our results,
time and hardware stand in `benchmarks/RESULTS.md`, the steps that led here too.

    python tune.py run smiles_pretrained --data-root ../shared/faces/smiles
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="clip_folder",
    registered_model="smiles",
    parameters={
        "frozen_stages": tune.choice([0, 1, 2, 4]),
        "gru_hidden": tune.choice([32, 64, 128]),
        "dropout": tune.choice([0.0, 0.3]),
    },
    settings={
        "backbone": "expression_net",
        "weights": "../shared/weights/face_expression.safetensors",
        "attention": "none",
        "neck": "deviation",
        "shortcut": "linear",
        "rbg_depth": 0,
        "masking_rate": 0.0,
        "num_frames": 8,
        "image_size": 112,
        "epochs": 15,
        "batch_size": 16,
        "label_smoothing": 0.1,
        "ema_decay": 0.98,
        "max_rotation_deg": 5.0,
        "max_shift": 0.03,
        "max_zoom": 0.05,
        "max_brightness": 0.1,
        "max_drift": 0.6,
    },
    num_samples=8,
    first_points=(
        {"frozen_stages": 0, "gru_hidden": 128, "dropout": 0.0},
        {"frozen_stages": 2, "gru_hidden": 128, "dropout": 0.0},
        {"frozen_stages": 4, "gru_hidden": 64, "dropout": 0.3},
    ),
    controls={"order_blind": {"temporal": "mean"}},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 6, "size": 96},
    smoke={"epochs": 1, "num_frames": 4, "image_size": 32, "weights": "none"},
)
