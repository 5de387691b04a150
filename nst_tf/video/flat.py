"""The flow where a frame is flat, where a search for motion follows only the camera's noise.

    f' = c f + (1 − c) (m + Σ w c (f − m) / (Σ w c + λ))

f is the flow that was found, c its confidence, m the flow of the camera, and w the weights of an
edge-aware filter over the frame: the domain transform of Gastal and Oliveira ("Domain Transform for
Edge-Aware Image and Video Processing", SIGGRAPH 2011). So a flat part moves like the textured parts
that it belongs to, or else like the camera.
"""

import cv2
import numpy as np

from nst_tf.images.resize import fit_size

PATCH = 12  # side of the patches whose motion is found, pixels
NOISE_BLUR = 1.0  # standard deviation of the blur that removes noise, pixels
WINDOW = 2.0  # standard deviation of the window in which texture is measured, pixels
TEXTURE = 5e-6  # squared change of the luma a pixel at which c is 1/4
RIM = 4  # width of the frame's border, where patches are incomplete, pixels
SIDE = 256  # long side at which flat parts are filled, pixels
REACH, CONTRAST = 0.1, 0.05  # of the filter: relative to the long side, and in colour
CAMERA = 0.2  # λ
SAMPLES = 128  # points along the long side from which the camera's motion is found
LEAST_POINTS = 20  # with fewer, the camera counts as still


def complete_flow(flow: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return f', float32 `[H, W, 2]`.

    Args:
        flow: f, of that shape.
        frame: the frame that it starts from, float32 `[H, W, 3]` in [0, 1].
    """
    height, width = frame.shape[:2]
    smooth = cv2.GaussianBlur(frame, (0, 0), NOISE_BLUR)
    sure = confidence(smooth)
    camera = camera_flow(flow, sure)
    own = flow - camera
    size = fit_size(height, width, SIDE)[::-1]
    weighted = np.dstack([own * sure[..., None], sure])
    planes, guide = (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (weighted, smooth)
    )
    planes = spread(planes, guide, REACH * max(size), CONTRAST)
    filled = cv2.resize(planes[..., :2] / (planes[..., 2:] + CAMERA), (width, height))
    return camera + filled + sure[..., None] * (own - filled)


def confidence(smooth: np.ndarray) -> np.ndarray:
    """Return c, float32 `[H, W]` in [0, 1]: where a frame without noise has texture.

    A patch that touches the edge of a thing has the motion of the thing. So beside the edge, all of
    the surroundings that patches can reach must have texture.
    """
    grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *axes, scale=1 / 8) for axes in ((1, 0), (0, 1)))
    energy = cv2.GaussianBlur(across**2 + down**2, (0, 0), WINDOW)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (PATCH + 1, PATCH + 1))
    energy = cv2.erode(energy, around, borderType=cv2.BORDER_REFLECT)
    sure = np.square(energy / (energy + TEXTURE))
    sure[:RIM] = sure[-RIM:] = sure[:, :RIM] = sure[:, -RIM:] = 0
    return sure


def camera_flow(flow: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return m, float32 `[H, W, 2]`: how most of the textured parts move, or else 0.

    A camera shifts, turns and enlarges. A general affine motion also fits a thing and a background
    that move differently.
    """
    height, width = sure.shape
    step = max(1, max(height, width) // SAMPLES)
    points = np.argwhere(sure[::step, ::step] > 0.5) * step
    if len(points) < LEAST_POINTS:
        return np.zeros_like(flow)
    here = np.float32(points[:, ::-1])
    there = here + flow[points[:, 0], points[:, 1]]
    bound = 0.25 + 0.001 * max(height, width)  # pixels
    matrix, _ = cv2.estimateAffinePartial2D(here, there, None, cv2.RANSAC, bound)
    if matrix is None:
        return np.zeros_like(flow)
    grid = np.stack(np.meshgrid(*map(np.float32, map(np.arange, (width, height)))), axis=-1)
    return grid @ np.float32(matrix[:, :2].T) + np.float32(matrix[:, 2]) - grid


def spread(planes: np.ndarray, guide: np.ndarray, reach: float, contrast: float) -> np.ndarray:
    """Return planes blurred within the edges of a guide, float32 `[H, W, C]`.

    Args:
        planes: float32 `[H, W, C]`.
        guide: float32 `[H, W, 3]`.
        reach: standard deviation of the blur in a flat guide, pixels.
        contrast: difference of colours, summed over the channels, that is as far as `reach`.
    """
    distances = [
        1 + reach / contrast * np.abs(np.diff(guide, axis=axis)).sum(axis=-1) for axis in (0, 1)
    ]
    passes = 3
    for number in range(1, passes + 1):
        deviation = reach * 3**0.5 * 2 ** (passes - number) / (4**passes - 1) ** 0.5
        for axis, distance in enumerate(distances):
            kept = np.exp(np.float32(-(2**0.5) / deviation) * np.float32(distance))
            lines = np.ascontiguousarray(np.moveaxis(planes, axis, 0))
            kept = np.moveaxis(kept, axis, 0)[..., None]
            for line in range(1, len(lines)):
                lines[line] += kept[line - 1] * (lines[line - 1] - lines[line])
            for line in range(len(lines) - 2, -1, -1):
                lines[line] += kept[line] * (lines[line + 1] - lines[line])
            planes = np.moveaxis(lines, 0, axis)
    return planes
