"""Faces of films, followed along the motion."""

import dataclasses

import numpy as np
import pytest

from nst_tf import Settings, load_image, save_image
from nst_tf.images.face_masks import face_mask
from nst_tf.images.faces import Face, find_faces
from nst_tf.images.levels import quantize
from nst_tf.images.resize import resize
from nst_tf.video.faces import APPEARING, VANISHING, follow_faces
from nst_tf.video.film import paint_frames
from nst_tf.video.flags import parse_video
from nst_tf.video.frame import FrameInput, PaintedFrame, StylizedFrame
from nst_tf.video.inputs import load_video_inputs
from nst_tf.video.painter import FramePainter
from nst_tf.video.store import FrameStore
from tests.conftest import ASSETS
from tests.video.clips import write_clip

SIZE = (160, 160)


@pytest.fixture(scope="module")
def photos():
    """Return a face that moves by two pixels a frame to the left, `[H, W, 3]` each."""
    head = resize(load_image(ASSETS / "astronaut.jpg")[:, :256, 96:368], (176, 187))[0]
    return [np.ascontiguousarray(head[:160, 2 * n : 2 * n + 160]) for n in range(6)]


def painted(photo, faces=()):
    return StylizedFrame(photo, photo[None], photo[None], None, tuple(faces))


def test_a_face_that_is_not_found_moves_along_and_vanishes(photos):
    first = find_faces(photos[0])
    past = painted(photos[0], first)
    for photo in photos[1:]:
        followed = follow_faces(FrameInput(photo), past)
        past = painted(photo, followed.faces)
    (face,) = past.faces
    moved = np.array(first[0].points) - (10, 0)
    np.testing.assert_allclose(face.points, moved, atol=1.5)
    assert face.presence == pytest.approx(1 - 5 * VANISHING)
    for _ in range(3):
        past = painted(photos[-1], follow_faces(FrameInput(photos[-1]), past).faces)
    assert past.faces == ()


def test_masks_of_a_film_do_not_flicker(photos):
    """Detections jump and fail; the masks of the followed faces change little."""
    random = np.random.default_rng(0)
    (face,) = find_faces(photos[0])
    past, jumps, changes, before = painted(photos[0], [face]), [], [], None
    still = photos[0]
    for number in range(12):
        points = tuple((x + dx, y + dy) for (x, y), (dx, dy) in
                       zip(face.points, random.normal(0, 1.5, (5, 2)), strict=True))  # fmt: skip
        found = [] if number == 6 else [dataclasses.replace(face, points=points)]
        frame = follow_faces(FrameInput(still, faces=tuple(found)), past)
        masks = [face_mask(SIZE, faces, 0.7) for faces in (found, frame.faces)]
        if before:
            jumps.append(np.abs(masks[0] - before[0]).mean())
            changes.append(np.abs(masks[1] - before[1]).mean())
        past, before = painted(still, frame.faces), masks
    assert np.mean(changes) < 0.5 * np.mean(jumps)
    assert np.max(changes) < 0.3 * np.max(jumps)


def test_a_new_face_appears_over_four_frames(photos):
    faces = find_faces(photos[0])
    past = painted(photos[0])
    for count in (1, 2, 3, 4, 5):
        frame = follow_faces(FrameInput(photos[0], faces=faces), past)
        (face,) = frame.faces
        assert face.presence == pytest.approx(min(1, count * APPEARING))
        np.testing.assert_allclose(face.points, faces[0].points, atol=0.5)
        past = painted(photos[0], frame.faces)


def test_each_face_follows_its_own(photos):
    points = ((30, 40), (50, 40), (40, 50), (32, 60), (48, 60))
    left = Face((20, 20, 60, 70), points, 1.0)
    right = Face((100, 20, 140, 70), tuple((x + 80, y) for x, y in points), 1.0)
    past = painted(photos[0], [left, right])
    frame = follow_faces(FrameInput(photos[0], faces=(right, left)), past)
    assert [face.box for face in frame.faces] == [left.box, right.box]


def test_without_faces_a_frame_is_the_same(photos):
    frame = FrameInput(photos[1])
    assert follow_faces(frame, painted(photos[0])) is frame


def test_an_unfinished_film_keeps_its_faces(photos, tmp_path):
    store = FrameStore(tmp_path / "film.frames")
    store.begin()
    faces = (dataclasses.replace(find_faces(photos[0])[0], presence=0.5),)
    keys = (painted(photos[0], faces), painted(photos[0]))
    store.add(PaintedFrame(0, keys[0]), [0])
    store.keep(PaintedFrame(0, keys[0], None, keys), [0], {"film": 1})
    again = FrameStore(tmp_path / "film.frames")
    again.load({"film": 1})
    assert [key.faces for key in again.begun.keys] == [faces, ()]


def test_each_frame_of_a_film_is_searched_if_the_recipe_keeps_faces(photos, tmp_path):
    write_clip(tmp_path / "clip.mp4", [quantize(photo) for photo in photos[:2]])
    save_image(tmp_path / "painting.png", photos[3])

    def faces(*words):
        names = [str(tmp_path / name) for name in ("clip.mp4", "painting.png")]
        inputs = load_video_inputs(*parse_video(["nst-tf-video", *names, *words]))
        return [len(frame.with_faces().faces) for _, frame in inputs.frame_inputs()]

    assert faces("--recipe=fast") == [1, 1]
    assert faces("--recipe=fast", "--no_keep_faces") == [0, 0]
    assert faces("--recipe=tutorial") == [0, 0]


def test_a_painted_frame_remembers_its_faces(photos):
    settings = Settings(
        loss="relative", optimizer="lbfgs", content_weight=0.1, style_weight=1, max_dim=0,
        total_variation_weight=0.05, temporal_weight=300, content_layers=["block2_conv2"],
        style_layers=["block1_conv1"], keep_layers=["block2_conv1"], epochs=1, steps_per_epoch=2,
        style_scale=0,
    )  # fmt: skip
    painter = FramePainter([photos[3][None]], settings)
    found = find_faces(photos[0])
    frames = [FrameInput(photos[0], faces=found), FrameInput(photos[1])]
    (first, *_), (second, *_) = paint_frames(painter, frames)
    assert first.faces == found
    (face,) = second.faces
    assert face.presence == 1 - VANISHING
    np.testing.assert_allclose(face.points, np.subtract(found[0].points, (2, 0)), atol=0.7)
    plain, *_ = next(iter(paint_frames(painter, [FrameInput(photos[0])])))
    assert np.abs(first.image - plain.image).max() > 1e-3
