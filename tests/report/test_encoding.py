"""Signed images as pictures: what they weigh, what they lose, how they look."""

import base64

import numpy as np
import pytest
from html_picture import decoded

from mer_di.report.encoding import colour_limit, diverging, signed_picture, signed_thumbnail


def test_a_picture_takes_no_more_room_than_it_is_given_and_tells_its_error():
    rng = np.random.default_rng(0)
    image = rng.normal(0, 5, (96, 96, 3)).astype(np.float32)
    exact = signed_picture(image, 10.0, 10**6)
    assert (exact.worst, exact.typical) == (0, 0)
    small = signed_picture(image, 10.0, 6000)
    assert len(base64.b64decode(small.source.partition(",")[2])) <= 6000
    error = decoded(small.source).astype(float) - decoded(exact.source)
    assert small.worst == np.abs(error).max() > 0
    assert small.typical == pytest.approx(np.sqrt(np.mean(error**2)))


def test_no_motion_is_white_and_signs_are_told_apart():
    assert colour_limit(np.zeros((8, 8, 3), np.float32)) == 1
    speck = np.zeros((32, 32, 3), np.float32)
    speck[3, 3] = -7
    assert colour_limit(speck) == 7
    assert (decoded(signed_thumbnail(np.zeros((8, 8, 3), np.float32), 1.0)) >= 244).all()
    below, zero, above, beyond = diverging(np.array([-2.0, 0.0, 2.0, 9.0]), 2.0).astype(int)
    assert below[2] > below[0] + 50
    assert above[0] > above[2] + 50
    assert np.ptp(zero) <= 2
    assert (beyond == above).all()
