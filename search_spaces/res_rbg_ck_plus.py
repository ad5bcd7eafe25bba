"""Res-RBG on CK+, over the four parameters its authors vary (Mou et al., Sensors 2025, 25, 3829).

Published: 98.10 % (two RBG blocks, full model), 98.34 % (three blocks), 64.20 M parameters; hardware not stated, times as
published 641.5 s and 881.8 s, their meaning unspecified. One CK+ sequence is 0.3 points, and 98.10 % of 327 has a 95 %
half-width of about 1.5. `STUDY.published` quotes these and the systems compared there.

Of the source: MTCNN faces, 327 sequences times 14 (`augmentation` x14), masking on top, ResNet-50. Not specified by it,
chosen: 16 frames of 112 px, 30 epochs, batches of 16, AdamW at 1e-3, weights from scratch (a local file of ImageNet
weights: `weights` imagenet). Folds: 10, by subject; a search locks 20 % of the subjects away before. Not measured here
yet: the data needs its owners' licence.

    python tune.py run res_rbg_ck_plus --data-root CK+ --num-samples 40
    python tune.py run res_rbg_ck_plus --smoke
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="ck_plus",
    registered_model="ck_plus",
    parameters={
        "rbg_depth": tune.choice([0, 1, 2, 3]),
        "gru_hidden": tune.choice([128, 256, 512, 696]),
        "attention": tune.choice(["none", "se", "eca", "g_eca"]),
        "masking_rate": tune.choice([0.0, 0.05, 0.1, 0.2]),
    },
    settings={
        "backbone": "resnet50",
        "shortcut": "parameter_free",
        "augmentation": "x14",
        "num_frames": 16,
        "image_size": 112,
        "epochs": 30,
        "batch_size": 16,
    },
    num_samples=40,
    first_points=(
        {"rbg_depth": 2, "gru_hidden": 696, "attention": "g_eca", "masking_rate": 0.1},  # the paper's full model
        {"rbg_depth": 0, "gru_hidden": 696, "attention": "none", "masking_rate": 0.0},  # and its baseline
    ),
    controls={"order_blind": {"temporal": "mean"}},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 5, "size": 120},
    smoke={
        "backbone": "resnet18",
        "augmentation": "random",
        "num_frames": 3,
        "image_size": 32,
        "epochs": 1,
        "batch_size": 8,
    },
    published={
        "Res-RBG, 1 block": {"accuracy": 0.9730, "published_time_s": 574.2},
        "Res-RBG, 2 blocks": {"accuracy": 0.9810, "published_time_s": 641.5, "param_count": 64_200_000},
        "Res-RBG, 3 blocks": {"accuracy": 0.9834, "published_time_s": 881.8},
        "STM-ExpLet": {"accuracy": 0.9420},
        "HCNN-LSTM": {"accuracy": 0.8487},
        "DTAGN": {"accuracy": 0.9730},
        "PPDN": {"accuracy": 0.9930},
        "LOMo": {"accuracy": 0.9510},
        "IDT+FV": {"accuracy": 0.9580},
        "FN2EN": {"accuracy": 0.9680},
        "PHRNN-MSCNN": {"accuracy": 0.9850},
        "ARDfee": {"accuracy": 0.9870},
        "DeRL": {"accuracy": 0.9730},
        "Inception-w": {"accuracy": 0.9780},
        "ESTLNet": {"accuracy": 0.9904},
        "WMCNN-LSTM": {"accuracy": 0.9750},
        "SCAN": {"accuracy": 0.9731},
        "DCNN": {"accuracy": 0.9846},
        "STANER": {"accuracy": 0.9823},
        "ORAC-Net": {"accuracy": 0.9820},
        "MELADA": {"accuracy": 0.9680},
        "CLIP": {"accuracy": 0.9420},
    },
)
