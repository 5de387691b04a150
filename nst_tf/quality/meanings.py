"""The figures' names and meanings, and the sizes at which they are taken."""

SIDE = 384
"""Long side of all pictures for the first four figures, pixels."""

OWN_SIDE = 1024
"""Maximum long side of a picture for the other figures, pixels."""

LEAST_SIDE = 64
"""Minimum short side at which the other figures are taken, pixels: their network sees a quarter."""

LONGEST_SHAPE = 5
"""Maximum ratio of a picture's sides."""

MEANINGS = {
    "remd": "does every part look like some part of the painting, and the reverse? Relaxed earth "
    "mover's distance of VGG19's columns; 0 is best",
    "self": "is the photo's structure kept? Difference of the self-distances at block4_conv2; 0 is "
    "best",
    "grain": "do flat areas remain flat? Variance of the Laplacian where the photo is flat, over "
    "the painting's; less is better",
    "patch": "are colours and strokes the painting's? Sliced Wasserstein distance of 7x7 colour "
    "patches at four sizes; 0 is best",
    "style_1": "relative distance of the Gram matrices at full size; 0 is best",
    "content": "relative distance of the features from the photo's at block4_conv2; 0 is best",
    "style_2": "as style_1, at half the size",
    "style_4": "as style_1, at a quarter of the size",
    "high_frequencies": "variance of the Laplacian, over the painting's; 1 is as rough",
}
"""What each figure means, in the order in which they are measured."""
