import pytest

from mer_di.datasets.subjects import read_genders
from mer_di.errors import AnnotationError, DatasetNotFoundError


def table(tmp_path, *rows):
    path = tmp_path / "people.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_row_a_subject_in_any_two_words(tmp_path):
    path = table(tmp_path, "Age;Gender;Subject", "22;F;006", "31;m ;007", "40; f;casme2/01")
    assert read_genders(path) == {"006": "f", "007": "m", "casme2/01": "f"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ("subject,gender", "1,f", "2,m", "1,m"),
            "people.csv, comma, row 4: subject '1' is there as 'f' and here as 'm'",
        ),
        (("subject,gender", "1,f", "1,F"), "row 3: subject '1' is there again; expected one row a subject"),
        (("subject,gender", "1,"), "'gender' is blank"),
        (("subject,age", "1,3"), r"missing: Gender\..*name that with --subjects\.$"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path, rows, words):
    with pytest.raises(AnnotationError, match=words):
        read_genders(table(tmp_path, *rows))


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="people"):
        read_genders(tmp_path / "people.csv")
