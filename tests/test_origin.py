import lookalikes
import pytest

from mer_di.datasets import load_dataset
from mer_di.synthetic import write_database


@pytest.mark.parametrize("layout", ["mmew", "casme2", "samm"])
def test_what_was_drawn_is_never_taken_for_people(layout, tmp_path):
    assert load_dataset(layout, write_database(tmp_path / layout, layout=layout, subjects=1)).synthetic


@pytest.mark.parametrize("layout", ["mmew", "casme2", "samm"])
def test_what_was_not_drawn_is_never_taken_for_drawn(layout, tmp_path):
    row = lookalikes.ClipRow(6, "S06-02-001", 1, 5, 9, "surprise")
    write = getattr(lookalikes, f"write_{layout}")
    assert not load_dataset(layout, write(tmp_path / layout, rows=[row])).synthetic
