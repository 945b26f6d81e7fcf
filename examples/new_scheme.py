"""A scheme of your own: a dynamic image is a row of weights over frames, whoever computed the row.

python new_scheme.py

To give a scheme a name that ``--scheme`` takes, add it to mer_di/rank_pooling/schemes.py as a function from a number of
frames to a row of weights; see "A scheme" in CONTRIBUTING.md.
"""

import numpy as np

import mer_di
from mer_di.accumulate import Accumulator, weighted_sums
from mer_di.synthetic import draw_clip


def last_against_first(n_frames: int) -> np.ndarray:
    """Weigh the mean of the last third against that of the first: integers, so that the sums are exact."""
    third = max(1, n_frames // 3)
    weights = np.zeros(n_frames, np.int64)
    weights[:third], weights[-third:] = -1, 1
    return weights


clip = draw_clip("disgust", subject=2)
rising = clip.frames[clip.onset : clip.apex + 1]

# A stack of frames, and two images in one pass: your scheme beside the paper's.
rows = np.stack([last_against_first(len(rising)), mer_di.rank_pooling.arp(len(rising))])
images = weighted_sums(rising, rows)  # (2, H, W, 3) int32
motionless = weighted_sums(rising[:1].repeat(len(rising), axis=0), rows)
print(f"{images.dtype} {images.shape}; a motionless clip gives {np.abs(motionless).max()}")

# Frames that arrive one at a time, as from a camera: memory for the images alone.
sums = Accumulator(rows)
for frame in rising:
    sums.add(frame)
print(f"the same to the bit: {np.array_equal(sums.sums(), images)}")

for name, image, row in zip(("last third − first third", "arp"), images, rows, strict=True):
    levels = mer_di.normalize(image, "unit-weight", weights=row)
    print(f"{name}: up to {np.abs(levels).max():.1f} grey levels")
