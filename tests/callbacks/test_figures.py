import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nst_tf.callbacks.figures import draw_losses, save_run_figure

ROWS = [
    {
        "step": step,
        "total": 700.0 / step,
        "style": 300.0 / step,
        "content": 10.0 * (step > 1),
        "total_variation": 0.0,
        "moments": 2.0,
        "scale": 1,
        "evaluations": step,
        "seconds": 0.1 * step,
    }
    for step in range(1, 9)
]


def test_the_curves_are_the_terms_on_a_log_axis():
    axes = Figure().add_subplot()
    draw_losses(axes, ROWS)
    assert axes.get_yscale() == "log"
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"total", "style", "content", "moments"}  # total variation is 0 throughout
    np.testing.assert_array_equal(lines["total"].get_xdata(), range(1, 9))
    for name, line in lines.items():
        expected = [row[name] or np.nan for row in ROWS]
        np.testing.assert_array_equal(line.get_ydata(), expected)


def test_a_term_that_some_rows_do_not_have_is_0_there():
    axes = Figure().add_subplot()
    rows = [row | {"neighbors": 5.0} for row in ROWS[:4]] + ROWS[4:6]
    del rows[0]["moments"]
    draw_losses(axes, rows)
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    np.testing.assert_array_equal(lines["neighbors"], [5.0] * 4 + [np.nan] * 2)
    np.testing.assert_array_equal(lines["moments"], [np.nan] + [2.0] * 5)


@pytest.mark.parametrize(
    ("name", "start"), [("f.png", b"\x89PNG"), ("f.pdf", b"%PDF"), ("f.svg", b"<?xml")]
)
def test_figures_are_written_in_each_format(tmp_path, pixels, name, start):
    styles = [pixels(10, 20), pixels(20, 10)]
    save_run_figure(tmp_path / name, [pixels(12, 16)], styles, pixels(12, 16), ROWS[:1])
    assert (tmp_path / name).read_bytes().startswith(start)
    if name == "f.png":
        with Image.open(tmp_path / name) as image:
            assert np.ptp(np.asarray(image.convert("L"))) > 200
