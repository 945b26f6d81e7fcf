"""The digest of what a cache says besides its rows."""

import json

import h5py
import pytest
from tiny_cache import write_tiny_cache
from xxhash import xxh3_128_hexdigest

from mer_di.cache.table import is_as_written, table_digest


@pytest.fixture
def file(tmp_path):
    with h5py.File(write_tiny_cache(tmp_path / "tiny.h5", apex_policy="spot"), "r+") as opened:
        yield opened


def test_a_stranger_computes_it_from_the_manual(file):
    names = (
        *("annotation_sha256", "annotation_version", "dataset", "format", "format_version", "mer_di_version"),
        *("min_class_size", "recipe", "recipe_sha256"),
    )
    said = {name: file.attrs[name] for name in names}
    said = {name: value.item() if hasattr(value, "item") else value for name, value in said.items()}
    said["classes"] = list(file["samples"].attrs["classes"])
    of_rows = ("transform", "frame_height", "frame_width", "frames_digest", "row_digest")
    for group in ("samples", "dropped", "corrections"):
        for name, data in file[group].items():
            if name not in of_rows:
                said[f"{group}/{name}"] = (data.asstr() if data.dtype.kind == "O" else data)[:].tolist()
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    assert file.attrs["table_digest"] == table_digest(file) == xxh3_128_hexdigest(text.encode())


def test_what_others_add_is_theirs(file):
    file.attrs["note"] = "ours"
    file["samples/age"] = [30] * 12
    assert is_as_written(file)


@pytest.mark.parametrize("name", ["subject", "emotion", "apex", "label", "apex_confidence", "fps"])
def test_every_kind_of_column_counts(file, name):
    column = file["samples"][name]
    column[0] = {"O": "another", "i": 1, "f": 0.5}[column.dtype.kind]
    assert is_as_written(file) is False


def test_the_order_of_classes_counts(file):
    file["samples"].attrs["classes"] = file["samples"].attrs["classes"][::-1]
    assert is_as_written(file) is False


@pytest.mark.parametrize("digest", ["", 7, h5py.Empty("i")])
def test_a_digest_that_is_none_does_not_fit(file, digest):
    file.attrs["table_digest"] = digest
    assert is_as_written(file) is False


def test_a_cache_of_before_does_not_know(file):
    del file.attrs["table_digest"]
    assert is_as_written(file) is None
