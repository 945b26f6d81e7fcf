import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import DI_STREAMS, open_cache
from mer_di.inspection.pictures import picture


@pytest.mark.parametrize(("apex_in", "half"), [("both", (6, 6, 20)), ("onset", (6, 6, 25))])
def test_unit_weight_divides_by_half_the_weights_of_each_image(tmp_path, apex_in, half):
    path = write_tiny_cache(tmp_path / "c.h5", subjects=1, clips=1, emotions=("x",), apex_in=apex_in)
    with open_cache(path) as opened:  # both phases are stored as five frames long
        for stream, weights in zip(DI_STREAMS, half, strict=True):
            expected = opened.images(stream)[0] / weights
            np.testing.assert_allclose(picture(opened, stream, 0, "unit-weight"), expected, rtol=1e-6)
