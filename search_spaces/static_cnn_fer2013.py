"""Ten architectures for single images on FER2013 (Qian et al., Sensors 2025, 25, 1478).

Published: test accuracy, training time and size of the weight file, of which openly available: EfficientNet V2 and ResNet50
best, MobileNet V1 and ShuffleNet V2 weak on fear and disgust; an earlier paper of the group gives ResNet50 69.46 % and
VGG16 a file of 512 MB. Hardware not stated.

Not specified by the source, chosen: 48 px as the images are, 60 epochs, batches of 128, AdamW at 1e-3, weights from
scratch. The split is the official one (train, public and private test), so there is one fold and no subject is known: seeds
alone tell the spread. Not measured here yet: the data needs its owners' licence.

    python tune.py run static_cnn_fer2013 --data-root FER2013 --folds all --seeds 3
    python tune.py run static_cnn_fer2013 --smoke
"""

from search_spaces.core.designs import named
from search_spaces.core.study import Study
from trainables.static_cnn import PRESETS

STUDY = Study(
    trainable="static_cnn",
    dataset="fer2013",
    registered_model="fer2013",
    design=named(PRESETS, reference="resnet50"),
    settings={"num_frames": 1, "image_size": 48, "epochs": 60, "batch_size": 128},
    drawing={"difficulty": "easy", "num_subjects": 6, "stills_per_class": 1, "size": 48},
    smoke={"image_size": 32, "epochs": 1, "batch_size": 64},
    published={"resnet50": {"accuracy": 0.6946}, "vgg16": {"weights_mb": 512.0}},
)
