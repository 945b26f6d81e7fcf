"""The transforms of a face, and of a whole frame, to a crop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrices import through, turned
from skimage import transform

from mer_di.errors import InputError
from mer_di.imaging import placement


@given(st.floats(0.2, 5), st.floats(-180, 180), st.floats(-300, 300), st.floats(-300, 300), st.integers(16, 300))
def test_similarity_recovers_a_known_transform(scale, degrees, x, y, size):
    known = turned(scale, degrees, x, y)
    canonical = placement.CANONICAL_FACE * size - 0.5
    linear = np.linalg.inv(known[:, :2])
    landmarks = (canonical - known[:, 2]) @ linear.T
    np.testing.assert_allclose(placement.similarity(landmarks, size), known, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_similarity_is_the_least_squares_one_of_umeyama(seed):
    landmarks = placement.CANONICAL_FACE * 150 + 40 + 12 * np.random.default_rng(seed).standard_normal((5, 2))
    peer = transform.estimate_transform("similarity", landmarks, placement.CANONICAL_FACE * 224 - 0.5)
    np.testing.assert_allclose(placement.similarity(landmarks, 224), peer.params[:2], rtol=1e-10)


def test_similarity_never_mirrors():
    mirrored = (1 - placement.CANONICAL_FACE) * 200
    assert np.linalg.det(placement.similarity(mirrored, 224)[:, :2]) > 0


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.ones((68, 2)), np.ones(10)])
def test_similarity_of_what_is_no_face_is_refused(landmarks):
    with pytest.raises(InputError, match="five"):
        placement.similarity(landmarks, 224)


@pytest.mark.parametrize(("height", "width"), [(231, 231), (288, 360), (340, 280), (7, 1920)])
def test_stretch_brings_edges_to_edges(height, width):
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    np.testing.assert_allclose(through(placement.stretch(height, width, 224), corners), [[-0.5, -0.5], [223.5, 223.5]])


@pytest.mark.parametrize(("height", "width"), [(288, 360), (340, 280), (50, 50)])
def test_letterbox_keeps_the_aspect_and_the_centre(height, width):
    matrix = placement.letterbox(height, width, 224)
    assert matrix[0, 0] == matrix[1, 1]
    assert matrix[0, 1] == matrix[1, 0] == 0
    np.testing.assert_allclose(through(matrix, np.array([[(width - 1) / 2, (height - 1) / 2]])), [[111.5, 111.5]])
    edges = through(matrix, np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]))
    assert np.ptp(edges, axis=0).max() == pytest.approx(224)
