import pytest

from mer_di.report.page import p_value, percent, rate, signed


@pytest.mark.parametrize(
    ("write", "arguments", "expected"),
    [
        (percent, (0.64236,), "64.2 %"),
        (percent, (1, 0), "100 %"),
        (percent, (None,), "–"),
        (rate, (2 / 3,), "0.667"),
        (rate, (None,), "–"),
        (p_value, (0.0123,), "p = 0.012"),
        (p_value, (1.0,), "p = 1"),
        (p_value, (9.9e-5,), "p < 0.0001"),
        (signed, (3.26,), "+3.3"),
        (signed, (-0.46,), "−0.5"),
    ],
)
def test_numbers_as_a_reader_expects_them(write, arguments, expected):
    assert write(*arguments) == expected
