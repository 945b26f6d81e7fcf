import numpy as np
import pytest

from mer_di.inspection.flow_colours import flow_colours, full_colour


def moved(u, v, shape=(4, 4)):
    return np.broadcast_to(np.array([u, v, 0], np.float32), (*shape, 3))


@pytest.mark.parametrize(
    ("u", "v", "colour"),
    [
        (2, 0, (255, 0, 0)),  # right
        (-2, 0, (0, 255, 255)),
        (0, 2, (128, 255, 0)),  # down
        (0, -2, (128, 0, 255)),
        (1, 0, (255, 128, 128)),
        (9, 0, (255, 0, 0)),
        (0, 0, (255, 255, 255)),
    ],
)
def test_the_hue_is_the_direction_and_white_is_no_motion(u, v, colour):
    picture = flow_colours(moved(u, v), 2.0)
    assert (picture.shape, picture.dtype) == ((4, 4, 3), np.uint8)
    assert np.abs(picture.astype(int) - colour).max() <= 1


def test_full_colour_is_where_nearly_all_pixels_keep_below():
    flows = [moved(3, 4, (10, 10)).copy(), moved(0, 1, (10, 10))]
    assert full_colour(flows) == pytest.approx(5)
    assert full_colour(flows[1:]) == pytest.approx(1)
    assert full_colour([moved(0, 0)]) == 1
    one = np.zeros((100, 100, 3), np.float32)
    one[0, 0, 0] = 7
    assert full_colour([one]) == 7
