import pytest

from mer_di.people import other_spellings, people_of, subject_number


@pytest.mark.parametrize(
    "spellings",
    [
        ("1", "01", "1.0", "s01", "S01", "sub01", "Subject 1", "S_1", "１"),
        ("anna", "Anna", " ANNA "),
        ("006", "6"),
        ("p1", "P01", "p-01", "p 1", "p_1"),
        ("spNO.1", "spno.01", "1", "Person 1"),
        ("Anna B", "anna  b", "anna_b"),
        ("7", "٧", "7\u200b"),
    ],
)
def test_one_person_is_one_however_written(spellings):
    assert other_spellings([*spellings, "somebody else", "s11"]) == [tuple(sorted(spellings))]


@pytest.mark.parametrize(
    "people",
    [("1", "10", "101"), ("p1", "s1"), ("s1a", "s1b"), ("anna", "hanna"), ("1.5", "1"), ("s1_1", "s11"), ("A+", "A")],
)
def test_two_people_are_two(people):
    assert other_spellings(people) == []


@pytest.mark.parametrize("text", ["1", "01", "1.0", "1.", "s1", "Sub 01", "subject_1", "１"])
def test_the_number_that_a_subject_is(text):
    assert subject_number(text) == 1


@pytest.mark.parametrize("text", ["", "-1", "1.5", "anna", "1b", "p1", "1?", "9" * 19, "9" * 5000])
def test_what_is_no_number_of_a_subject(text):
    assert subject_number(text) is None


def test_a_database_whose_people_are_those_of_another():
    names = ("samm", "samm_lv", "synthetic-samm_lv", "casme2")
    assert [people_of(name) for name in names] == ["samm", "samm", "synthetic-samm", "casme2"]
