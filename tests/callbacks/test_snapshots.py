from nst_tf.callbacks import Snapshots
from tests.callbacks.conftest import steps


def test_every_third_step_is_saved(tmp_path):
    saved = []
    snapshots = Snapshots(3, tmp_path, lambda path, image: saved.append((path, image.shape)))
    for progress in steps(7):
        snapshots(progress)
    assert saved == [(tmp_path / f"step_{step:05d}.png", (1, 2, 2, 3)) for step in (3, 6)]
    assert all(Snapshots.NAME.fullmatch(path.name) for path, _ in saved)
