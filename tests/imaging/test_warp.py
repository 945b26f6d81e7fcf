"""The anti-aliased warp against its definition, pixel by pixel."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matrices import through, turned
from scipy import ndimage
from skimage import transform

from mer_di.errors import InputError, SampleError
from mer_di.imaging import placement, warp

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def warped_by_hand(image, matrix, size):
    """The definition, pixel by pixel: Gaussian by SciPy where it shrinks, four neighbours, zero outside."""
    image = np.asarray(image, float)
    height, width = image.shape[:2]
    linear = np.linalg.inv(matrix[:, :2])
    for axis, row in ((1, linear[0]), (0, linear[1])):
        shrinking = np.hypot(*row)
        if shrinking > 1:
            image = ndimage.gaussian_filter1d(image, (shrinking - 1) / 2, axis, mode="nearest", truncate=4)
    crop = np.zeros((size, size, *image.shape[2:]))
    for row, column in itertools.product(range(size), repeat=2):
        x, y = linear @ (np.array([column, row]) - matrix[:, 2])
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
            continue
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        for j, i in itertools.product((int(y), int(y) + 1), (int(x), int(x) + 1)):
            share = (1 - abs(x - i)) * (1 - abs(y - j))
            crop[row, column] += share * image[min(j, height - 1), min(i, width - 1)]
    return crop


matrices = st.builds(turned, st.floats(0.15, 3), st.floats(-180, 180), st.floats(-20, 20), st.floats(-20, 20))
sides = st.integers(1, 13)


@given(matrices, st.integers(0, 50), st.integers(0, 50))
def test_shifted_gives_the_sub_image_the_same_place(matrix, top, left):
    points = np.array([[60.0, 70.0], [81.5, 90.25]])
    inner = warp.shifted(matrix, slice(top, 100), slice(left, 100))
    np.testing.assert_allclose(through(inner, points - (left, top)), through(matrix, points), atol=1e-10)


@pytest.mark.parametrize(
    "matrix", [np.zeros((2, 3)), np.eye(3), [[1, 2, 0], [2, 4, 0]], np.full((2, 3), np.inf), 1e-320 * IDENTITY]
)
@pytest.mark.parametrize("use", [lambda m: warp.warp(np.ones((4, 4)), m, 4), lambda m: warp.region(m, 4, 4, 4)])
def test_a_matrix_without_inverse_is_refused(matrix, use):
    with pytest.raises(InputError, match="matrix"):
        use(matrix)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,), (9,)])
def test_the_identity_returns_the_image(dtype, channels):
    image = np.random.default_rng(0).integers(0, 200, (17, 17, *channels)).astype(dtype)
    crop = warp.warp(image, IDENTITY, 17)
    assert crop.dtype == np.float32
    np.testing.assert_array_equal(crop, image)


@given(matrices, sides, sides, sides, st.sampled_from([(), (1,), (2,)]))
def test_warp_is_its_definition(matrix, height, width, size, channels):
    image = 1e6 * noise((height, width, *channels))
    np.testing.assert_allclose(
        warp.warp(image, matrix, size), warped_by_hand(image, matrix, size), rtol=2e-7, atol=1e6 * 1e-8
    )


@pytest.mark.parametrize("size", [63, 64, 65, 130, 200])
@pytest.mark.parametrize(("scale", "degrees"), [(0.12, 5), (0.4, -20), (0.9, 170), (1.6, 80), (2.5, 0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
def test_crops_of_several_tiles_are_its_definition_too(size, scale, degrees, dtype):
    image = np.random.default_rng(0).integers(0, 256, (190, 230, 3)).astype(dtype)
    matrix = turned(scale, degrees, size / 2, size / 2)
    matrix[:, 2] -= matrix[:, :2] @ (115, 95)
    smooth = image.astype(float)
    linear = np.linalg.inv(matrix[:, :2])
    for axis, row in ((1, linear[0]), (0, linear[1])):
        if np.hypot(*row) > 1:
            smooth = ndimage.gaussian_filter1d(smooth, (np.hypot(*row) - 1) / 2, axis, mode="nearest", truncate=4)
    y, x = np.mgrid[:size, :size]
    sources = np.einsum("ij,j...->i...", linear, np.stack([x, y]) - matrix[:, 2, np.newaxis, np.newaxis])
    crop = np.stack(
        [ndimage.map_coordinates(c, sources[::-1], order=1, mode="nearest") for c in smooth.T.swapaxes(1, 2)]
    )
    inside = (np.abs(sources - np.array([114.5, 94.5])[:, None, None]) <= np.array([115, 95])[:, None, None]).all(0)
    np.testing.assert_allclose(warp.warp(image, matrix, size), (crop * inside).transpose(1, 2, 0), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("slices", [np.s_[::2, ::2], np.s_[5:70, 10:90], np.s_[::-1, :, ::-1]])
def test_any_memory_layout_is_read(slices):
    image = np.random.default_rng(0).integers(0, 256, (120, 130, 3), np.uint8)
    matrix = turned(0.7, 10, 10, 5)
    np.testing.assert_array_equal(
        warp.warp(image[slices], matrix, 80), warp.warp(np.ascontiguousarray(image[slices]), matrix, 80)
    )


def test_threads_may_warp_at_once():
    images = [noise((90, 110, 3), seed) for seed in range(24)]
    matrix = turned(0.6, 10, 10, 5)
    with ThreadPoolExecutor(8) as threads:
        crops = list(threads.map(lambda image: warp.warp(image, matrix, 70), images))
    for image, crop in zip(images, crops, strict=True):
        np.testing.assert_array_equal(crop, warp.warp(image, matrix, 70))


@pytest.mark.parametrize(("height", "width", "size"), [(31, 47, 9), (12, 40, 20), (5, 6, 24), (480, 640, 50)])
def test_stretching_is_what_scikit_image_resizes_to(height, width, size):
    image = noise((height, width, 2))
    peer = transform.resize(
        image,
        (size, size),
        order=1,
        mode="edge",
        anti_aliasing=max(height, width) > size,
        anti_aliasing_sigma=(max(0, (height / size - 1) / 2), max(0, (width / size - 1) / 2), 0),
    )
    np.testing.assert_allclose(warp.warp(image, placement.stretch(height, width, size), size), peer, atol=2e-6)


@given(matrices, st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_warp_commutes_with_weighted_sums(matrix, length, seed):
    rng = np.random.default_rng(seed)
    clip = rng.integers(0, 256, (length, 40, 50, 3))
    weights = rng.integers(-100, 101, length)
    once = warp.warp(np.tensordot(weights, clip, 1), matrix, 16)
    each = sum(
        a * warp.warp(frame.astype(np.uint8), matrix, 16).astype(float) for a, frame in zip(weights, clip, strict=True)
    )
    np.testing.assert_allclose(once, each, rtol=0, atol=1e-6 * 255 * max(1, np.abs(weights).sum()))


@pytest.mark.parametrize("scale", [0.13, 0.5, 1.0, 1.7])
@pytest.mark.parametrize("value", [7, 255, 1_000_000_007, -999_999_999])
def test_a_constant_stays_constant_to_the_frames_edge_and_is_zero_beyond(scale, value):
    crop = warp.warp(np.full((60, 80), value), turned(scale, 10, 20, 20), 64)
    assert set(np.unique(crop)) <= {np.float32(0), np.float32(value)}
    assert (crop != 0).any()
    assert (warp.warp(np.full((60, 80), value), placement.stretch(60, 80, 224), 224) == np.float32(value)).all()


@pytest.mark.parametrize(("height", "width"), [(101, 224), (288, 360), (340, 280)])
def test_letterbox_leaves_equal_empty_bars(height, width):
    crop = warp.warp(np.ones((height, width)), placement.letterbox(height, width, 224), 224)
    np.testing.assert_array_equal(crop, crop[::-1, ::-1])
    assert crop.sum() == pytest.approx(224 * 224 * min(height, width) / max(height, width), rel=0.01)


def test_large_sums_keep_seven_digits():
    image = np.random.default_rng(0).integers(-(10**9), 10**9, (61, 83))
    matrix = turned(0.4, 20, 15, 0)
    crop, exact = warp.warp(image, matrix, 24), warped_by_hand(image, matrix, 24)
    np.testing.assert_allclose(crop, exact, rtol=1.2e-7)


def test_shrinking_does_not_alias():
    stripes = np.tile([0.0, 255.0], (100, 50))
    crop = warp.warp(stripes, placement.stretch(100, 100, 33), 33)
    assert np.ptp(crop[:, 3:-3]) < 20
    plain = cv2.warpAffine(stripes, placement.stretch(100, 100, 33), (33, 33))
    assert np.ptp(plain[:, 3:-3]) > 100


def test_coordinates_are_exact_to_the_last_digit_of_float32():
    y, x = np.mgrid[:120, :160].astype(float)
    matrix = turned(1.3, 17, 11.3, -60.7)
    columns, rows = np.meshgrid(np.arange(64), np.arange(64))
    expected = np.stack([columns, rows], -1).reshape(-1, 2)
    sources = (expected - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    crop = warp.warp(np.stack([x, y], -1), matrix, 64).reshape(-1, 2)
    inside = ((sources > 0) & (sources < (159, 119))).all(1)
    assert inside.sum() > 1000
    np.testing.assert_allclose(crop[inside], sources[inside], atol=1e-5)  # half a float32 step at 160 is 8e-6


def test_the_image_is_not_changed():
    image = noise((9, 9))
    before = image.copy()
    warp.warp(image, turned(0.5, 30, 2, 2), 9)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "image", [np.ones(4), np.ones((0, 4)), np.ones((2, 2, 2, 2)), np.array([["a"]]), np.ones((2, 2), complex)]
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(InputError, match=r"image(:| is)"):
        warp.warp(image, IDENTITY, 4)


@given(matrices, st.integers(1, 60), st.integers(1, 60), st.integers(1, 24))
def test_the_region_is_all_the_warp_needs(matrix, height, width, size):
    try:
        rows, columns = warp.region(matrix, size, height, width)
    except SampleError:
        assume(False)
    assert 0 <= rows.start < rows.stop <= height
    assert 0 <= columns.start < columns.stop <= width
    image = noise((height, width))
    part = warp.warp(image[rows, columns], warp.shifted(matrix, rows, columns), size)
    np.testing.assert_allclose(part, warp.warp(image, matrix, size), rtol=1e-6, atol=1e-9)


def test_what_lies_outside_the_region_has_no_influence_and_its_border_has():
    matrix = turned(0.4, 15, 5, -8)
    rows, columns = warp.region(matrix, 24, 200, 200)
    image = noise((200, 200))
    crop = warp.warp(image, matrix, 24)
    other = image + 1000
    other[rows, columns] = image[rows, columns]
    np.testing.assert_array_equal(warp.warp(other, matrix, 24), crop)
    assert rows.stop - rows.start < 120
    assert columns.stop - columns.start < 120


@given(matrices, st.integers(1, 40), st.integers(1, 40), st.integers(1, 20))
def test_a_crop_is_refused_exactly_when_it_would_be_blank(matrix, height, width, size):
    blank = not warp.warp(np.ones((height, width)), matrix, size).any()
    if blank:
        with pytest.raises(SampleError, match="face-outside-frame"):
            warp.region(matrix, size, height, width)
    else:
        warp.region(matrix, size, height, width)


def test_a_crop_that_only_the_bounding_box_touches_is_outside():
    corner = turned(1.0, 45, 0, 0)  # the frame's corner points between the crop's rows
    corner[:, 2] = (-3, 40)
    with pytest.raises(SampleError, match="misses the frame of 20 × 20"):
        warp.region(corner, 16, 20, 20)


def test_to_uint8_rounds_and_clips():
    np.testing.assert_array_equal(
        warp.to_uint8(np.array([-7.0, -0.4, 0.5, 1.5, 254.49, 254.51, 255.4, 300.0], np.float32)),
        np.array([0, 0, 0, 2, 254, 255, 255, 255], np.uint8),
    )


@pytest.mark.parametrize("matrix", [placement.stretch(40, 50, 16), turned(0.4, 10, 20, 20)])
def test_a_warp_made_ready_serves_for_every_kind_of_image_of_its_size(matrix):
    ready = warp.Warp(matrix, 16, 40, 50)
    rng = np.random.default_rng(4)
    for shape in ((40, 50), (40, 50, 3), (40, 50, 2)):
        for dtype in (np.uint8, np.int32, np.float32):
            image = rng.integers(0, 256, shape).astype(dtype)
            np.testing.assert_array_equal(ready(image), warp.warp(image, matrix, 16))


def test_a_warp_made_ready_refuses_images_of_another_size():
    ready = warp.Warp(IDENTITY, 16, 40, 50)
    with pytest.raises(InputError, match=r"\(50, 40\).*\(40, 50\)"):
        ready(np.ones((50, 40)))


@pytest.mark.parametrize("factor", [1.1, 1.5, 2.0, 2.5])
def test_blurs_of_every_length_are_those_of_weights_one_by_one(factor):
    image = np.random.default_rng(5).normal(size=(60, 70, 3))
    for matrix in (placement.stretch(60, 70, int(60 / factor)), turned(1 / factor, 10, 30, 30)):
        np.testing.assert_allclose(
            warp.warp(image, matrix, 20), warped_by_hand(image, matrix, 20), rtol=2e-7, atol=1e-7
        )
