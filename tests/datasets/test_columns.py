import pytest

from mer_di.datasets import dataset_spec, list_datasets
from mer_di.datasets.table import plain

NEEDED = {"subject", "clip", "onset", "offset", "emotion"}


@pytest.mark.parametrize("name", list_datasets())
def test_the_columns_of_a_database_are_told_apart_and_hold_what_a_sample_needs(name):
    columns = dataset_spec(name).columns
    headers = [plain(header) for column in columns for header in column.headers]
    assert len(headers) == len(set(headers))
    elsewhere = {"emotion"} if name == "samm_lv" else set()  # in SAMM's own table
    assert {column.name for column in columns if column.required} >= NEEDED - elsewhere
