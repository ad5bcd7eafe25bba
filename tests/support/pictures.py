"""Pictures and videos of the tests."""

from pathlib import Path

import cv2
import numpy as np

BGR = np.full((24, 32, 3), (0, 128, 255), np.uint8)  # orange: B 0, G 128, R 255


def write_video(path: Path, num_frames: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for value in range(num_frames):
        writer.write(np.full((48, 64, 3), 20 * value % 256, np.uint8))
    writer.release()
    return path


def write_image(path: Path, image: np.ndarray = BGR) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(path.suffix.lower(), image)[1]
    path.write_bytes(encoded.tobytes())
    return path
