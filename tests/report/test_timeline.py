import pytest

from mer_di.phases import split
from mer_di.recipe import Recipe
from mer_di.report.timeline import HEIGHT, MARGIN, WIDTH, timeline
from mer_di.weighing import sample_weights


def drawn(recipe):
    rising, fading = split(0, 3, 9, apex_in=recipe.apex_in)
    lengths = {"onset_length": len(rising), "offset_length": len(fading), "fps": 100.0}
    sample = {"onset": 11, "apex": 14, "offset": 20} | lengths
    return timeline(sample, recipe, sample_weights(recipe, sample)), rising, fading


@pytest.mark.parametrize("apex_in", ["both", "onset", "offset"])
def test_the_timeline_draws_the_weights_of_the_recipe(apex_in):
    recipe = Recipe(align="none", aspect="stretch", apex_in=apex_in)
    line, rising, fading = drawn(recipe)
    points = [tuple(map(float, point.split(","))) for point in line.lines["full"].split()]
    assert len(points) == 10
    assert points[0] == (MARGIN, HEIGHT - MARGIN)
    assert points[-1] == (WIDTH - MARGIN, MARGIN)
    assert len(line.lines["onset"].split()) == len(rising)
    assert len(line.lines["offset"].split()) == len(fading)
    assert line.apex_x == pytest.approx(MARGIN + 3 / 9 * (WIDTH - 2 * MARGIN))
    assert line.largest == 9


def test_a_row_is_drawn_as_far_as_its_weights_reach():
    line, rising, fading = drawn(Recipe(align="none", aspect="stretch", apex_sigma=0.5))
    assert len(line.lines["onset"].split()) == len(rising) + 2
    assert len(line.lines["offset"].split()) == len(fading) + 2


def test_weights_that_a_cache_does_not_know_are_not_drawn():
    line, *_ = drawn(Recipe(align="none", aspect="stretch", scheme="motion_ranked"))
    assert set(line.lines.values()) == {""}
