"""Figures of a picture that no recipe minimises as they stand.

The first four agree with the eye and are always taken at the same size: `remd`, `self`, `grain` and
`patch`. The others are distances of Gram matrices and features at the picture's own size; they see
neither strokes nor grain, and are kept to compare with earlier versions. Less is better in all.
"""

import functools

import keras
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nst_tf.network.weights import load_weights

SIDE = 384  # long side of all pictures for the first four figures, pixels
COLUMN_LAYERS = ("block2_conv2", "block3_conv2", "block4_conv2")
CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
MEAN_BGR = (103.939, 116.779, 123.68)
PATCH = 7  # side of a colour patch, pixels
PATCHES = 4096  # patches of a picture at each size
DIRECTIONS = 256  # on which patches are projected


def measure_quality(image, content, style):
    """Return the figures of a picture by name: first those of `measure_look`, then the older ones.

    Args:
        image: the picture, float `[1, H, W, 3]` in [0, 1]; measured as 8 bits a channel show it.
        content: the photo that it was made from, in the same form, of any size.
        style: the painting, in the same form.
    """
    return measure_look(image, content, style) | measure_distances(image, content, style)


def measure_look(image, content, style, side=SIDE):
    """Return `remd`, `self`, `grain` and `patch` of a picture, all taken at the same size.

    remd: mean over full and half size of the relaxed earth mover's distance between the columns of
        the picture and the painting: whether every part of it looks like some part of the painting.
    self: mean absolute difference of the self-distances of picture and photo: its structure.
    grain: variance of the Laplacian where the photo is flat, over the painting's.
    patch: sliced Wasserstein distance of colour patches of picture and painting; no network.

    Args:
        image: as for `measure_quality`; the photo and the painting too.
        content: the photo.
        style: the painting.
        side: long side of all three, pixels; each side is rounded to a multiple of 8.
    """
    photo, painting = (_at_side(to_picture(array), side) for array in (content, style))
    picture = _at_side(to_picture(image), side).resize(photo.size, Image.Resampling.LANCZOS)
    features, target = (extract(which, COLUMN_LAYERS) for which in (picture, painting))
    halves = [extract(_half(which), COLUMN_LAYERS) for which in (picture, painting)]
    distances = [
        relaxed_distance(columns(ours), columns(theirs))
        for ours, theirs in ((features, target), halves)
    ]
    ours = self_distances(features[CONTENT_LAYER])
    theirs = self_distances(extract(photo, (CONTENT_LAYER,))[CONTENT_LAYER])
    return {
        "remd": float(np.mean(distances)),
        "self": float(np.abs(ours - theirs).mean()),
        "grain": grain(picture, photo, painting),
        "patch": patch_distance(picture, painting),
    }


def measure_distances(image, content, style):
    """Return the older figures of a picture, at its own size; arguments as for `measure_quality`.

    style_1, style_2, style_4: mean over blockN_conv1 of ‖G − A‖ / ‖A‖ (Frobenius) against the
        painting, at the picture's long side, both at full, half and quarter size.
    content: ‖F − P‖ / ‖P‖ at block4_conv2.
    high_frequencies: variance of the Laplacian over the painting's; 1 is as rough.
    """
    picture = to_picture(image)
    photo = to_picture(content).resize(picture.size, Image.Resampling.LANCZOS)
    painting = to_picture(style)
    painting = _shrunk(painting, max(painting.size) / max(picture.size))
    figures = {}
    for divisor in (1, 2, 4):
        layers = (*STYLE_LAYERS, CONTENT_LAYER) if divisor == 1 else STYLE_LAYERS
        ours = extract(_shrunk(picture, divisor), layers)
        theirs = extract(_shrunk(painting, divisor), STYLE_LAYERS)
        ratios = [_distance(gram(ours[name]), gram(theirs[name])) for name in STYLE_LAYERS]
        figures[f"style_{divisor}"] = float(np.mean(ratios))
        if divisor == 1:
            target = extract(photo, (CONTENT_LAYER,))[CONTENT_LAYER]
            figures["content"] = _distance(ours[CONTENT_LAYER], target)
    figures["high_frequencies"] = float(laplacian(picture).var() / laplacian(painting).var())
    return figures


def to_picture(array):
    """Return float `[1, H, W, 3]` in [0, 1] as a Pillow picture of 8 bits a channel."""
    return Image.fromarray(np.rint(np.clip(array[0], 0, 1) * 255).astype(np.uint8))


def extract(picture, layers):
    """Return VGG19's features of a picture by layer, float32 `[h, w, C]`."""
    bgr = np.asarray(picture, np.float32)[None, :, :, ::-1] - np.float32(MEAN_BGR)
    features = _network(tuple(layers))(bgr, training=False)
    return {name: np.asarray(features[name])[0] for name in layers}


def columns(features):
    """Return the features of several layers side by side, a row for each place of the coarsest.

    Finer maps are averaged over the area of a place; each layer is divided by its channels.

    Args:
        features: by layer, `[h, w, C]` with h and w whole multiples of the coarsest map's.

    Returns:
        `[places, channels of all layers]`.
    """
    height, width = min(map_.shape[:2] for map_ in features.values())
    rows = []
    for map_ in features.values():
        step, channels = map_.shape[0] // height, map_.shape[2]
        areas = map_[: height * step, : width * step].reshape(height, step, width, step, channels)
        rows.append(areas.mean(axis=(1, 3)).reshape(-1, channels) / channels)
    return np.concatenate(rows, axis=1)


def relaxed_distance(ours, theirs):
    """Return the relaxed earth mover's distance of two sets of columns, `[m, C]` and `[n, C]`.

    max(mean_i min_j d_ij, mean_j min_i d_ij), where d_ij is 1 less the cosine of column i of the
    one and j of the other, each less the mean column of its set (Kolkin et al., arXiv 1904.12785).
    """
    d = 1 - _unit(ours - ours.mean(axis=0)) @ _unit(theirs - theirs.mean(axis=0)).T
    return float(max(d.min(axis=1).mean(), d.min(axis=0).mean()))


def self_distances(features):
    """Return the distances of a picture's places to each other, `[n, n]`, each column of mean 1.

    d_ij is 1 less the cosine of the features at i and j, over every third place of `[h, w, C]`;
    each column is divided by its mean (Kolkin et al.).
    """
    places = _unit(features.reshape(-1, features.shape[-1])[::3])
    d = 1 - places @ places.T
    return d / d.mean(axis=0)


def grain(picture, photo, painting):
    """Return the variance of a picture's Laplacian where its photo is flat, over the painting's.

    Flat is the third of the pixels where the Laplacian of the photo, shrunk to a quarter and
    enlarged again, is smallest in magnitude.

    Args:
        picture: as a Pillow picture.
        photo: of the same size.
        painting: of any size; all of it counts.
    """
    width, height = photo.size
    smooth = photo.resize((width // 4, height // 4)).resize(photo.size, Image.Resampling.BICUBIC)
    roughness = np.abs(laplacian(smooth))
    flat = roughness <= np.quantile(roughness, 1 / 3)
    return float(laplacian(picture)[flat].var() / laplacian(painting).var())


def laplacian(picture):
    """Return 4 times each inner grey pixel less its four neighbours, float64 `[H - 2, W - 2]`."""
    grey = np.asarray(picture.convert("L"), np.float64)
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return 4 * grey[1:-1, 1:-1] - neighbours


def patch_distance(picture, painting):
    """Return the mean sliced distance of the patches of two pictures at full size, ½, ¼ and ⅛."""
    distances = []
    for _ in range(4):
        distances.append(sliced_distance(patches(picture), patches(painting)))
        picture, painting = (
            which.resize((which.width // 2, which.height // 2), Image.Resampling.LANCZOS)
            for which in (picture, painting)
        )
    return float(np.mean(distances))


def patches(picture):
    """Return colour patches spread evenly over a picture, float32 `[PATCHES, 147]` in [0, 1]."""
    pixels = np.asarray(picture, np.float32) / 255
    windows = sliding_window_view(pixels, (PATCH, PATCH), axis=(0, 1))
    height, width = windows.shape[:2]
    chosen = np.linspace(0, height * width - 1, PATCHES).astype(int)
    return windows[chosen // width, chosen % width].reshape(PATCHES, -1)


def sliced_distance(ours, theirs):
    """Return the sliced Wasserstein distance of two sets of patches, both `[n, 147]`, in any order.

    The mean over fixed directions r and ranks k of |x_(k) · r − y_(k) · r|, where (k) sorts each
    set's projections on r.
    """
    directions = _directions()
    ours, theirs = (np.sort(which @ directions, axis=0) for which in (ours, theirs))
    return float(np.abs(ours - theirs).mean())


def gram(features):
    """Return Fᵀ F over the places of `[h, w, C]`, `[C, C]`."""
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat / len(flat)


@functools.cache
def _network(layers):
    vgg = _vgg19()
    return keras.Model(vgg.input, {name: vgg.get_layer(name).output for name in layers})


@functools.cache
def _vgg19():
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    weights = load_weights("bundled")
    for name, kernel in weights.kernels.items():
        vgg.get_layer(name).set_weights([kernel, weights.biases[name]])
    return vgg


@functools.cache
def _directions():
    """Return random unit vectors, the same ones always, `[147, DIRECTIONS]`."""
    normal = np.random.default_rng(0).standard_normal((3 * PATCH**2, DIRECTIONS))
    return (normal / np.linalg.norm(normal, axis=0)).astype(np.float32)


def _at_side(picture, side):
    ratio = side / max(picture.size)
    size = [round(length * ratio / 8) * 8 for length in picture.size]
    return picture.resize(size, Image.Resampling.LANCZOS)


def _half(picture):
    size = [length // 2 // 8 * 8 for length in picture.size]
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shrunk(picture, divisor):
    size = [round(length / divisor) for length in picture.size]
    return picture.resize(size, Image.Resampling.LANCZOS)


def _unit(rows):
    return rows / np.sqrt(np.maximum((rows * rows).sum(axis=1, keepdims=True), 1e-12))


def _distance(tensor, target):
    return float(np.linalg.norm(tensor - target) / np.linalg.norm(target))
