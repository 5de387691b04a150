from types import SimpleNamespace

import numpy as np
import pytest

from nst_tf.cli.flags import UsageError, parse
from nst_tf.cli.inputs import Inputs
from nst_tf.cli.output_paths import OutputPaths
from nst_tf.cli.outputs import Outputs
from nst_tf.images.io import load_image
from nst_tf.images.levels import quantize


def paths(*flags):
    return OutputPaths.of(parse(["nst-tf", "--content=a.png", "--style=b.png", *flags]))


def test_a_depth_that_files_have_not_is_misuse():
    with pytest.raises(UsageError, match="--bit_depth must be 8 or 16, not 12"):
        paths("--bit_depth=12")


def test_a_format_of_8_bits_is_refused_before_the_run(tmp_path):
    paths(f"--output={tmp_path}/out.jpg").check([])
    paths(f"--output={tmp_path}/out.tiff", "--bit_depth=16").check([])
    for name in ("out.jpg", "out.webp"):
        with pytest.raises(ValueError, match=r"bit_depth of 16, only 8: save a \.png or \.tiff"):
            paths(f"--output={tmp_path / name}", "--bit_depth=16").check([])


@pytest.mark.parametrize(("flags", "bits"), [((), 8), (("--bit_depth=16",), 16)])
@pytest.mark.parametrize("name", ["out.png", "out.tiff"])
def test_pictures_are_written_in_the_depth_of_the_flag(tmp_path, pixels, name, flags, bits):
    image = pixels(6, 8)
    where = paths(f"--output={tmp_path / name}", *flags)
    inputs = Inputs(SimpleNamespace(content=image), alpha=None, has_profile=False)
    outputs = Outputs(where, inputs, [], [], dict)
    outputs.save_picture(where.picture, image)
    saved = load_image(where.picture)
    np.testing.assert_array_equal(quantize(saved, bits), quantize(image, bits))
    assert (quantize(saved, 16) == quantize(image, 16)).all() == (bits == 16)
