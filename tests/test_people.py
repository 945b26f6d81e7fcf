import pytest

from mer_di.people import other_spellings


@pytest.mark.parametrize(
    "spellings",
    [
        ("1", "01", "1.0", "s01", "S01", "sub01", "Subject 1", "S_1", "１"),
        ("anna", "Anna", " ANNA "),
        ("006", "6"),
    ],
)
def test_one_person_is_one_however_written(spellings):
    assert other_spellings([*spellings, "somebody else", "s11"]) == [tuple(sorted(spellings))]


@pytest.mark.parametrize("people", [("1", "10", "101"), ("p1", "s1"), ("s1a", "s1b"), ("anna", "hanna"), ("1.5", "1")])
def test_two_people_are_two(people):
    assert other_spellings(people) == []
