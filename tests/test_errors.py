import pickle

from mer_di.errors import SampleError


def test_the_reason_for_a_drop_comes_back_from_another_process():
    error = pickle.loads(pickle.dumps(SampleError("frame-gap", "frame 7 of 9 is missing")))
    assert (error.kind, error.detail) == ("frame-gap", "frame 7 of 9 is missing")
    assert str(error) == "frame-gap: frame 7 of 9 is missing"
