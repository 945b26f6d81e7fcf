import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_di.files import file_names, write_text


@given(st.sets(st.text(max_size=150), min_size=1, max_size=5))
def test_every_fold_has_a_file_name_of_its_own_on_every_file_system(names):
    found = file_names(names)
    assert found.keys() == names
    assert len({file.casefold() for file in found.values()}) == len(names)
    for file in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]+\.json", file)
        assert len(file) < 255


def test_usual_subjects_keep_their_names():
    assert file_names(["sub01", "006", "S01", "casme2/sub01"]) == {
        "sub01": "sub01.json",
        "006": "006.json",
        "S01": "S01.json",
        "casme2/sub01": "casme2%2Fsub01.json",
    }
    both = file_names(["S1", "s1"])
    assert both["S1"] != "S1.json"
    assert both["s1"] != "s1.json"


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_text(path, "former")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "latter")
    assert path.read_text() == "former"
    assert [*tmp_path.iterdir()] == [path]
