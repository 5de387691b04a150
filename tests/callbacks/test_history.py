import csv
import dataclasses

from nst_tf.callbacks import History
from nst_tf.losses.values import Losses
from tests.callbacks.conftest import steps

BEFORE = ["step", "total", "style", "content", "total_variation"]
AFTER = ["scale", "evaluations", "seconds"]


def saved(path, **further):
    history = History()
    for progress in steps(7, **further):
        history(progress)
    history.save(path)
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    return header, [tuple(map(float, row)) for row in rows]


def test_history_reads_back_exactly(tmp_path):
    header, rows = saved(tmp_path / "history.csv")
    assert header == [*BEFORE, *AFTER]
    assert rows == [
        (p.step, *p.losses.values(), p.scale.number, p.evaluations, p.seconds) for p in steps(7)
    ]


def test_further_terms_come_after_the_columns_that_were_always_there(tmp_path):
    header, rows = saved(tmp_path / "history.csv", temporal=3.0, moments=70.0)
    assert header == [*BEFORE, "temporal", "moments", *AFTER]
    assert rows[6][5:7] == (3 / 7, 10)


def test_a_term_that_a_run_does_not_have_is_0():
    history = History()
    progress = next(steps(1))
    del progress.losses["style"]
    history(progress)
    assert list(history.rows[0]) == [*BEFORE, *AFTER]
    assert history.rows[0]["style"] == 0


def test_layers_are_told_on_request_even_if_a_scale_does_without_one(tmp_path):
    found = ({"style/a": 1}, {"style/a": 2, "style/b": 3})
    for layers, told in ((False, []), (True, ["style/a", "style/b"])):
        history = History(layers)
        for progress, shares in zip(steps(2), found, strict=True):
            history(dataclasses.replace(progress, losses=Losses(progress.losses, shares)))
        history.save(tmp_path / "history.csv")
        with open(tmp_path / "history.csv", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == [*BEFORE, *AFTER, *told]
        shares = [[float(value) for value in row[len(BEFORE + AFTER) :]] for row in rows]
        assert shares == ([[1, 0], [2, 3]] if layers else [[], []])
