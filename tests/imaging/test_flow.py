"""Optical flow: who moves where, what a still face gives, and the strain of motions that are known."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mer_di.errors import InputError
from mer_di.imaging.flow import ENGINES, flow, strain
from mer_di.synthetic import draw_clip

SIDE = 96
ZERO_OF_EQUAL = [name for name in ENGINES if name != "farneback"]
y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)


@pytest.fixture(scope="module")
def face():
    return draw_clip("happiness", subject=2).frames[0][60 : 60 + SIDE, 60 : 60 + SIDE].astype(np.float64)


def seen_from(face, u, v):
    """The picture whose pixels are found (u, v) further in `face`."""
    channels = [map_coordinates(face[..., c], [y + v, x + u], order=5, mode="nearest") for c in range(3)]
    return np.dstack(channels).clip(0, 255)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("u", "v"), [(0.5, 0.0), (0.0, -0.5), (0.25, 0.25)])
def test_u_is_to_the_right_and_v_down(face, engine, u, v):
    found = flow(seen_from(face, u, v), face, engine=engine)
    assert (found.shape, found.dtype) == ((SIDE, SIDE, 3), np.float32)
    middle = np.median(found[16:-16, 16:-16], axis=(0, 1))
    np.testing.assert_allclose(middle[:2], (u, v), atol=0.12)


@pytest.mark.parametrize("engine", ZERO_OF_EQUAL)
def test_nothing_moves_between_equal_crops(face, engine):
    assert not flow(face, face, engine=engine).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_local_motion_is_strain_where_it_is(face, engine):
    bump = 1.5 * np.exp(-((x - 50) ** 2 + (y - 46) ** 2) / (2 * 10**2))
    magnitude = flow(seen_from(face, bump, 0 * bump), face, engine=engine)[..., 2]
    ring = np.hypot(x - 50, y - 46) < 20
    inside = np.hypot(x - SIDE / 2, y - SIDE / 2) < SIDE / 2 - 8
    assert magnitude[ring].mean() > 2 * magnitude[inside & ~ring].mean()


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        (0 * x + 3, 0 * x - 2, 0.0),  # a shift
        (-0.01 * y, 0.01 * x, 0.0),  # a small rotation
        (0.02 * x, 0 * x, 0.02),
        (0 * x, -0.03 * y, 0.03),
        (0.02 * x, 0.02 * y, 0.02 * np.sqrt(2)),
        (0.04 * y, 0 * x, 0.04 / np.sqrt(2)),  # shear
        (0.01 * x + 0.02 * y, 0.03 * x + 0.04 * y, np.sqrt(0.01**2 + 0.04**2 + 0.05**2 / 2)),
    ],
)
def test_strain_of_a_linear_motion(u, v, expected):
    found = strain(np.dstack([u, v]).astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_grey_levels_between_integers_count(face):
    halves = 0.9 * face + 0.4
    assert not np.array_equal(flow(halves, seen_from(face, 0.1, 0)), flow(np.rint(halves), seen_from(face, 0.1, 0)))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((8, 8)), np.zeros((8, 8, 3)), r"first is float64 of shape \(8, 8\); expected a colour image"),
        (np.zeros((8, 8, 3)), np.zeros((8, 9, 3)), "expected two of one shape"),
        (np.zeros((11, 30, 3)), np.zeros((11, 30, 3)), r"the crops have \(11, 30\) pixels; expected at least 12"),
        (np.zeros((8, 8, 3)), np.full((8, 8, 3), 256.0), r"second has values outside 0\.\.255"),
        (np.full((8, 8, 3), np.nan), np.zeros((8, 8, 3)), r"first has values outside 0\.\.255"),
        (np.array([["a"]]), np.zeros((8, 8, 3)), "first: .*expected integers or floats"),
    ],
)
def test_what_is_no_crop_is_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        flow(first, second)


def test_an_unknown_engine_is_refused(face):
    with pytest.raises(InputError, match="engine is 'raft'; expected one of ilk, tvl1, farneback, dis"):
        flow(face, face, engine="raft")
