"""Numbers that the kernels share with those who call them."""

FRAMES = 8
"""Frames that are read in one pass over the sums."""

STRIP = 32
"""Pixels that `byte_dots` adds at once: one byte each of a vector."""

DIGIT_BITS = {"avx2": 7, "vnni": 8}
"""Size of the signed digits of weights that the instructions multiply without losing anything."""

STEP = 8
"""Numbers that describe a step of `byte_dots`."""

TILE = 64
"""Crop pixels a side that `resampling.resample` fills at once: what they need of a frame stays in the cache."""

EDGE = 0.5 + 1e-6
"""Pixels by which a frame reaches beyond its outermost centres, and a little: rounding must not decide."""
