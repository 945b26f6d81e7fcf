import numpy as np
import pytest

from mer_di.rank_pooling import phase_weights
from mer_di.recipe import Recipe
from mer_di.report.timeline import HEIGHT, MARGIN, WIDTH, sample_weights, timeline


@pytest.mark.parametrize("apex_in", ["both", "onset", "offset"])
def test_the_timeline_draws_the_weights_of_the_recipe(apex_in):
    sample = {"onset": 11, "apex": 14, "offset": 20}
    recipe = Recipe(align="none", aspect="stretch", apex_in=apex_in)
    weights, rising, fading = sample_weights(sample, recipe)
    np.testing.assert_array_equal(weights, phase_weights(10, rising, fading))
    line = timeline(sample, weights, rising, fading)
    points = [tuple(map(float, point.split(","))) for point in line.lines["full"].split()]
    assert len(points) == 10
    assert points[0] == (MARGIN, HEIGHT - MARGIN)
    assert points[-1] == (WIDTH - MARGIN, MARGIN)
    assert len(line.lines["onset"].split()) == len(rising)
    assert len(line.lines["offset"].split()) == len(fading)
    assert line.apex_x == pytest.approx(MARGIN + 3 / 9 * (WIDTH - 2 * MARGIN))
    assert line.largest == 9
