"""Res-RBG on Oulu-CASIA (VL, Strong), over the four parameters its authors vary (Mou et al., Sensors 2025, 25, 3829).

Published: 88.64 % (two RBG blocks, full model), 88.69 % (three blocks), 64.20 M parameters; hardware not stated, times as
published 848.8 s and 953.7 s, their meaning unspecified. `STUDY.published` quotes these and the systems compared there.

480 sequences times 14; all settings are those of `res_rbg_ck_plus`, and what is said there of their source holds here.
Folds: 10, by subject; a search locks 20 % of the subjects away before. Not measured here yet: the data needs its owners'
licence.

    python tune.py run res_rbg_oulu_casia --data-root Oulu_CASIA --num-samples 40
    python tune.py run res_rbg_oulu_casia --smoke
"""

import dataclasses

from search_spaces import res_rbg_ck_plus

STUDY = dataclasses.replace(
    res_rbg_ck_plus.STUDY,
    dataset="oulu_casia",
    registered_model="oulu_casia",
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 4, "size": 120},
    published={
        "Res-RBG, 1 block": {"accuracy": 0.8790, "published_time_s": 775.3},
        "Res-RBG, 2 blocks": {"accuracy": 0.8864, "published_time_s": 848.8, "param_count": 64_200_000},
        "Res-RBG, 3 blocks": {"accuracy": 0.8869, "published_time_s": 953.7},
        "STM-ExpLet": {"accuracy": 0.7459},
        "DTAGN": {"accuracy": 0.8146},
        "PPDN": {"accuracy": 0.8459},
        "LOMo": {"accuracy": 0.8210},
        "FN2EN": {"accuracy": 0.8770},
        "PHRNN-MSCNN": {"accuracy": 0.8625},
        "DeRL": {"accuracy": 0.8800},
        "Inception-w": {"accuracy": 0.8541},
        "ESTLNet": {"accuracy": 0.8938},
        "WMCNN-LSTM": {"accuracy": 0.8800},
        "SCAN": {"accuracy": 0.8656},
        "DCNN": {"accuracy": 0.8854},
        "STANER": {"accuracy": 0.8952},
        "Atlases": {"accuracy": 0.7552},
        "MMN": {"accuracy": 0.8830},
        "ORAC-Net": {"accuracy": 0.8970},
        "MELADA": {"accuracy": 0.8240},
        "TSGCN": {"accuracy": 0.9130},
        "CLIP": {"accuracy": 0.8690},
    },
)
