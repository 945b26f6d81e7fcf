"""Numbers that the kernels share with those who call them."""

FRAMES = 8
"""Frames that are read in one pass over the sums."""

STRIP = 32
"""Pixels that `byte_dots.add_bytes` adds at once: one byte each of a vector."""

TILE = 64
"""Crop pixels a side that `resampling.resample` fills at once: what they need of a frame stays in the cache."""

EDGE = 0.5 + 1e-6
"""Pixels by which a frame reaches beyond its outermost centres, and a little: rounding must not decide."""
