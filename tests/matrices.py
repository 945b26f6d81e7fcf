"""Affine matrices, made and applied by their definition."""

import numpy as np


def turned(scale, degrees, x, y):
    angle = np.deg2rad(degrees)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def through(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]
