"""A file that is not quite a cache, in every way that we know of, and what is said of it."""

import hashlib

import h5py
import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.cache.rows import row_fields
from mer_di.cache.structure import foreignness
from mer_di.errors import CacheError


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def without(name):
    return lambda file: file.__delitem__(name)


def replaced(name, change):
    def edit(file):
        data = change(file[name])
        del file[name]
        file[name] = data

    return edit


def recipe(text):
    def edit(file):
        file.attrs["recipe"], file.attrs["recipe_sha256"] = text, hashlib.sha256(text.encode()).hexdigest()

    return edit


def classes(value):
    return lambda file: file["samples"].attrs.__setitem__("classes", value)


def cell(name, value):
    return lambda file: file[name].__setitem__(0, value)


def group(file):
    del file["samples/clip"]
    file.create_group("samples/clip")


def endless(file):
    del file["di/onset"]
    file.create_dataset("di/onset", (10**9, 16, 16, 3), np.float32, chunks=(1, 16, 16, 3))


FOREIGN = {
    "no format": (lambda f: f.attrs.__delitem__("format"), "no mer_di cache"),
    "format of numbers": (attribute("format", [1, 2]), "no mer_di cache"),
    "formats": (attribute("format", ["mer_di", "x"]), "no mer_di cache"),
    "newer": (attribute("format_version", 2), "cache format 2; this mer_di reads up to 1. Upgrade"),
    "version of text": (attribute("format_version", "one"), "format_version is 'one', expected an integer"),
    "versions": (attribute("format_version", [1, 1]), "format_version is .*, expected an integer"),
    "no dataset": (lambda f: f.attrs.__delitem__("dataset"), "attribute dataset is missing"),
    "dataset of number": (attribute("dataset", 7), "dataset is 7, expected a text"),
    "dataset of bytes": (attribute("dataset", np.array(b"\xff", h5py.string_dtype())), "dataset is no UTF-8"),
    "empty attribute": (attribute("dataset", h5py.Empty("i")), "dataset is .*, expected a text"),
    "recipe of number": (attribute("recipe", 7), "recipe is 7, expected a text"),
    "no recipe": (recipe("no JSON"), "no JSON object with a size"),
    "recipe of list": (recipe("[1]"), "no JSON object with a size"),
    "recipe without end": (recipe("[" * 100_000), "no JSON object with a size"),
    "recipe of half a pixel": (recipe('{"size":1.5}'), "no JSON object with a size"),
    "other size": (
        recipe('{"size":17}'),
        r"/di/onset is .* expected float32 \(12, 17, 17, 3\)",
    ),
    "other digest": (attribute("recipe_sha256", "0" * 64), "recipe_sha256 is 0000"),
    "no samples": (without("samples"), "classes of /samples is no list"),
    "samples of data": (replaced("samples", lambda g: np.arange(3)), "classes of /samples is no list"),
    "no classes": (lambda f: f["samples"].attrs.__delitem__("classes"), "classes of /samples is no list"),
    "one class": (classes("joy"), "classes of /samples is no list"),
    "classes of numbers": (classes([1, 2, 3]), "classes of /samples is no list"),
    "no sample id": (without("samples/sample_id"), "/samples/sample_id is missing"),
    "no onset": (without("di/onset"), "/di/onset is missing"),
    "no apex frames": (without("frames/apex"), "/frames/apex is missing"),
    "no reasons": (without("dropped/reason"), "/dropped/reason is missing"),
    "images of data": (replaced("di", lambda g: np.arange(3)), "/di/onset is missing"),
    "column of group": (
        lambda f: [without("samples/clip")(f), f.create_group("samples/clip")],
        "/samples/clip is no data",
    ),
    "short": (replaced("di/onset", lambda d: d[:2]), r"/di/onset is float32 \(2, 16"),
    "flat": (replaced("di/onset", lambda d: d[:, 0, 0, 0]), r"/di/onset is float32 \(12,\)"),
    "images of text": (replaced("di/onset", lambda d: np.full(len(d), b"x")), r"/di/onset is texts \(12,\)"),
    "images of another type": (replaced("di/full", lambda d: d[:].astype(float)), "/di/full is float64"),
    "images of another order": (replaced("di/full", lambda d: d[:].astype(">f4")), "/di/full is >f4"),
    "scalar": (replaced("samples/label", lambda d: 3), r"/samples/label is int64 \(\)"),
    "labels of halves": (replaced("samples/label", lambda d: d[:] + 0.5), "/samples/label is float64"),
    "subjects of numbers": (replaced("samples/subject", lambda d: np.arange(len(d))), "/samples/subject is int64"),
    "few subjects": (replaced("samples/subject", lambda d: d[:2]), r"/samples/subject is texts \(2,\), expected texts"),
    "few reasons": (
        replaced("dropped/sample_id", lambda d: [b"a"]),
        r"/dropped/reason is texts \(0,\), expected texts",
    ),
    "labels beyond": (cell("samples/label", 3), "label of row 0 is none of 0 to 2"),
    "labels below": (cell("samples/label", -1), "label of row 0 is none of 0 to 2"),
    "endless": (endless, "/di/onset is float32"),
    "endless clip": (cell("samples/offset", 2**62), "offset minus onset of row 0 is none of"),
    "clip of nothing": (cell("samples/onset_length", 0), "onset_length of row 0 is none of"),
    "clip of ages": (cell("samples/offset_length", 2**62), "offset_length of row 0 is none of"),
}


@pytest.mark.parametrize(("spoil", "said"), FOREIGN.values(), ids=FOREIGN)
def test_a_file_that_is_no_cache_says_in_what(tmp_path, spoil, said):
    path = write_tiny_cache(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        assert foreignness(file) is None
        spoil(file)
    with pytest.raises(CacheError, match=said):
        open_cache(path)


def test_a_cache_that_claims_more_than_its_file_can_hold_is_refused(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5")
    rows = 10**7
    with h5py.File(path, "r+") as file:
        for name in ("samples", "di", "frames"):
            for column, data in list(file[name].items()):
                shape, kind = (rows, *data.shape[1:]), data.dtype
                del file[name][column]
                file.create_dataset(f"{name}/{column}", shape, kind, chunks=(1, *shape[1:]))
    with pytest.raises(CacheError, match="more than the file can hold"):
        open_cache(path)


@pytest.mark.parametrize("length", [0, 7, 100, 600, 3000, -1])
def test_a_file_that_ends_early_is_no_cache(tmp_path, length):
    path = write_tiny_cache(tmp_path / "c.h5")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CacheError, match=r"c\.h5 .*(truncated|damaged)"):
        open_cache(path)


@pytest.mark.parametrize("start", range(0, 1200, 60))
def test_a_file_with_a_hole_in_its_metadata_is_damaged(tmp_path, start):
    path = write_tiny_cache(tmp_path / "c.h5")
    content = bytearray(path.read_bytes())
    content[start : start + 60] = bytes(60)
    path.write_bytes(content)
    try:
        open_cache(path).close()
    except CacheError:
        pass
    else:
        assert not any(content[start : start + 60])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("flow"), "/flow/onset is missing"),
        (without("flow/offset"), "/flow/offset is missing"),
        (replaced("flow/onset", lambda data: data[:, :8]), r"/flow/onset is float32 \(12, 8, 16, 3\), expected"),
        (replaced("flow/onset", lambda data: data[:].astype(np.float64)), "/flow/onset is float64"),
    ],
)
def test_a_cache_whose_recipe_asks_for_flow_has_to_hold_it(tmp_path, spoil, said):
    path = write_tiny_cache(tmp_path / "c.h5", flow="ilk")
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(CacheError, match=said):
        open_cache(path)


def test_what_somebody_else_calls_flow_is_theirs(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        file["flow/onset"] = np.zeros(3)
    with open_cache(path) as cache:
        assert cache.streams == ("onset", "offset", "full")


def test_rows_are_of_the_types_that_the_format_has(tmp_path):
    with open_cache(write_tiny_cache(tmp_path / "c.h5", flow="tvl1")) as cache:
        for name, kind in row_fields(16, flow=True).items():
            assert (cache.file[name].dtype, cache.file[name].shape[1:]) == (kind.base, kind.shape)


@pytest.mark.parametrize(("policy", "there"), [("spot", True), ("midpoint", False)])
def test_confidences_of_apexes_are_there_where_the_recipe_says_so(tmp_path, policy, there):
    path = write_tiny_cache(tmp_path / "tiny.h5", apex_policy=policy)
    with open_cache(path) as cache:
        assert (cache.has_confidences, "apex_confidence" in cache.file["samples"]) == (there, there)
        assert len(cache.apex_confidences) == len(cache) * there
    with h5py.File(path, "a") as file:
        if there:
            del file["samples/apex_confidence"]
        said = foreignness(file)
    assert said == ("is damaged: /samples/apex_confidence is missing; build it again" if there else None)
