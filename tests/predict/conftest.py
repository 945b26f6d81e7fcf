import pytest
from tiny_model import RECIPE, trained_on

import mer_di
from mer_di.building.build import build_cache


@pytest.fixture
def cache(tiny, tmp_path):
    for row in tiny.rows:  # phases of at least two frames, without the apex in the second
        row["apex"] = row["onset"] + 1
    tiny.write_table()
    return build_cache(mer_di.load_dataset("manifest", tiny.table), tmp_path / "tiny.h5", RECIPE).path


@pytest.fixture
def model(cache):
    return trained_on(cache)
