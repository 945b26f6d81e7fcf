import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import DI_STREAMS, open_cache
from mer_di.inspection.pictures import row_of_weights


@pytest.mark.parametrize("apex_in", ["both", "onset"])
def test_weights_have_the_length_of_their_images(tmp_path, apex_in):
    path = write_tiny_cache(tmp_path / "c.h5", subjects=1, clips=1, emotions=("x",), apex_in=apex_in)
    with open_cache(path) as opened:  # both phases are stored as five frames long
        lengths = [len(row_of_weights(opened, stream, 0)) for stream in DI_STREAMS]
    assert lengths == [5, 5, 9 if apex_in == "both" else 10]
