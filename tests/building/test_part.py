import pytest

from mer_di.building.part import Part
from mer_di.errors import InputError


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_sample_belongs_to_one_part(of):
    parts = [Part(number, of) for number in range(1, of + 1)]
    assert [sum(part.holds(index) for part in parts) for index in range(20)] == [1] * 20


def test_a_part_is_written_as_it_is_read():
    assert Part.from_text("2/8") == Part(2, 8)
    assert str(Part(2, 8)) == "2/8"


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "one/two", "1 / 2", "1/2\n"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(InputError, match=r"expected K/N"):
        Part.from_text(text)
