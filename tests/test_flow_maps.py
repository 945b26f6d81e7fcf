"""What others make of two flows: by formulas written a second time, and by the cases that they leave open."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError
from mer_di.flow_maps import combined_magnitude, direction, flow_map, magnitude, normalized_flow, phase_maps

THETA = {"onset_factor": 0.7, "offset_factor": 0.3, "exponent": 2.0}


def flow(seed, shape=(5, 7)):
    return np.random.default_rng(seed).normal(0, 1, (*shape, 3)).astype(np.float32)


def moved(u, v):
    return np.dstack([u, v, np.zeros_like(u)])


def test_magnitude_is_the_length_of_the_displacement():
    found = magnitude(moved(np.array([[3.0, 0.0]]), np.array([[-4.0, 0.0]])))
    assert (found.tolist(), found.dtype) == ([[5.0, 0.0]], np.float32)


def test_the_combined_magnitude_follows_its_formula():
    first = moved(np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3)))  # normalized 0, ½, 1
    second = moved(np.zeros((1, 3)), np.array([[5.0, 0.0, 2.5]]))  # 1, 0, ½
    found = combined_magnitude(first, second, onset_factor=2.0, offset_factor=8.0, exponent=3.0)
    np.testing.assert_allclose(found, [[8.0, 0.25, 3.0]])
    assert found.dtype == np.float32


def test_a_phase_without_contrast_adds_nothing():
    same = moved(np.full((4, 4), 2.0), np.full((4, 4), -1.0))
    assert not combined_magnitude(same, same, **THETA).any()
    assert not combined_magnitude(0 * same, same, **THETA).any()
    alone = combined_magnitude(flow(1, (4, 4)), same, **THETA)
    assert (alone.min(), alone.max()) == (0, np.float32(0.7))


@given(st.integers(0, 99), st.floats(0.1, 5), st.floats(1e-3, 1e3))
def test_the_combined_magnitude_does_not_know_the_strength_of_a_phase(seed, exponent, strength):
    numbers = THETA | {"exponent": exponent}
    first, second = flow(seed), flow(seed + 100)
    plain, stronger = (combined_magnitude(first * factor, second, **numbers) for factor in (1, strength))
    np.testing.assert_allclose(stronger, plain, atol=1e-4)
    assert 0 <= plain.min() <= plain.max() <= 1 + 1e-6


@pytest.mark.parametrize("missing", THETA)
def test_the_numbers_of_the_paper_are_not_known_and_have_no_default(missing):
    numbers = {name: value for name, value in THETA.items() if name != missing}
    with pytest.raises(TypeError, match=missing):
        combined_magnitude(flow(1), flow(2), **numbers)


def test_a_map_is_an_image_of_one_phase_or_of_both():
    first, second = flow(1), flow(2)
    found = flow_map("flow_combined", first, second, (0.7, 0.3, 2.0))
    assert np.array_equal(found, np.dstack([combined_magnitude(first, second, **THETA)] * 3))
    assert np.array_equal(flow_map("flow_normalized_onset", first, second), normalized_flow(first))
    assert np.array_equal(flow_map("flow_direction_offset", first, second), direction(normalized_flow(second)))
    with pytest.raises(InputError, match="name is 'flow_onset'; expected one of flow_combined"):
        flow_map("flow_onset", first, second)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((), "three numbers, θ₁, θ₂ and n"), ((1.0, 1.0), "three numbers"), ((1.0, 1.0, 0.0), "exponent is 0.0")],
)
def test_a_combination_is_three_numbers(numbers, words):
    with pytest.raises(InputError, match=words):
        flow_map("flow_combined", flow(1), flow(2), numbers)


def test_normalized_flow_is_strain_v_u_each_by_itself():
    image = flow(3)
    found = normalized_flow(image)
    for channel, source in enumerate((2, 1, 0)):
        plane = image[..., source].astype(float)
        np.testing.assert_allclose(found[..., channel], (plane - plane.min()) / (plane.max() - plane.min()), atol=1e-6)
    assert not normalized_flow(np.full((3, 3, 3), 5.0)).any()


def test_direction_is_the_colour_that_opencv_gives_the_angle():
    """The authors' files: HSV in 8 bits, hue in steps of 2°, full saturation and value."""
    normalized = normalized_flow(flow(4, (28, 28)))
    degrees = np.degrees(np.arctan2(normalized[..., 1].astype(float), normalized[..., 2]))
    hue = (degrees / 2).astype(np.uint8)
    full = np.full_like(hue, 255)
    theirs = cv2.cvtColor(np.dstack([hue, full, full]), cv2.COLOR_HSV2BGR)
    steps = np.abs(255 * direction(normalized) - theirs)
    assert steps.max() <= 255 * 2 / 60 + 1  # of a hue that is cut to 2°
    assert steps.mean() < 3


@pytest.mark.parametrize(
    ("v", "u", "expected"), [(0, 1, [0, 0, 1]), (1, 0, [0, 1, 0.5]), (1, 1, [0, 0.75, 1]), (0, 0, [0, 0, 1])]
)
def test_direction_of_known_angles(v, u, expected):
    np.testing.assert_allclose(direction([[[0.5, v, u]]]), [[expected]], atol=1e-6)


def test_the_four_maps_are_the_flows_and_then_their_directions():
    onset, offset = flow(5), flow(6)
    maps = phase_maps(onset, offset)
    assert (maps.shape, maps.dtype) == ((4, 5, 7, 3), np.float32)
    flows = normalized_flow(onset), normalized_flow(offset)
    np.testing.assert_array_equal(maps, [*flows, direction(flows[0]), direction(flows[1])])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: magnitude(np.zeros((4, 4, 2))), r"flow is float64 of shape \(4, 4, 2\); expected numbers \(H, W, 3\)"),
        (lambda: magnitude(np.full((4, 4, 3), np.nan)), "not finite"),
        (lambda: normalized_flow("flow"), "^flow: found a str .*expected integers or floats"),
        (lambda: normalized_flow(np.zeros((0, 4, 3))), r"^flow is float64 of shape \(0, 4, 3\)"),
        (lambda: normalized_flow(np.ones((4, 4, 3), bool)), r"^flow is bool of shape \(4, 4, 3\)"),
        (lambda: direction(flow(1)), r"normalized has the value -.*; expected 0\.\.1"),
        (lambda: combined_magnitude(flow(1), flow(2, (5, 8)), **THETA), "expected two of one shape"),
        (lambda: normalized_flow(np.zeros((4, 3))), "^flow is float64"),
        (lambda: direction(np.zeros((4, 3))), "^normalized is float64"),
        (lambda: phase_maps(flow(1), flow(2, (5, 8))), r"shapes \(5, 7, 3\) and \(5, 8, 3\); expected two"),
        (lambda: combined_magnitude(flow(1), flow(2), **THETA | {"exponent": 0.0}), "exponent is 0.0"),
    ],
)
def test_what_is_no_flow_or_no_number_is_refused(call, said):
    with pytest.raises(InputError, match=said):
        call()


@pytest.mark.parametrize("name", THETA)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_number_that_is_not_finite_is_refused_by_its_name(name, value):
    with pytest.raises(InputError, match=f"^{name} is {value}; expected a finite number"):
        combined_magnitude(flow(1), flow(2), **THETA | {name: value})
