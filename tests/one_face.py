"""A face that was found: whether it is one, and how large."""

import numpy as np


def eye_distance(found):
    return float(np.hypot(*(found.landmarks[0] - found.landmarks[2])))


def assert_looks_like_a_face(found):
    right_outer, right_inner, left_outer, left_inner, nose = found.landmarks
    assert found.landmarks.shape == (5, 2)
    assert found.landmarks.dtype == np.float64
    assert left_outer[0] < left_inner[0] < nose[0] < right_inner[0] < right_outer[0]
    assert nose[1] > found.landmarks[:4, 1].max()
    left, top, right, bottom = found.box
    x, y = found.landmarks.T
    assert left < x.min() < x.max() < right
    assert top < y.min() < y.max() < bottom
