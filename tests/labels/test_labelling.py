import h5py
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.errors import CacheError, InputError
from mer_di.labels import DatabaseLabels, LabelScheme, labelled, read_scheme


def scheme_of(database="tiny", column="emotion", **labels):
    return LabelScheme("own", "", "", column, {database: DatabaseLabels(**labels)})


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Two subjects; clips c0, c1, c2 of each show disgust, happiness and surprise."""
    path = tmp_path_factory.mktemp("labels") / "tiny.h5"
    return write_tiny_cache(path, subjects=2, size=4, objective_classes=("1", "6", "3"))


def test_without_a_scheme_each_emotion_is_a_class(cache):
    with open_cache(cache) as opened:
        found = labelled(opened)
    assert found.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.names == ("disgust", "happiness", "surprise") * 2
    assert (found.left_out, found.classes) == ({}, ("disgust", "happiness", "surprise"))


def test_every_sample_is_in_a_class_or_left_out_with_a_reason(cache):
    scheme = scheme_of(
        classes={"bad": ["disgust"], "other": ["surprise"]},
        left_out=["happiness", "fear"],
        without={"s02/c0": "blurred", "s09/c0": "of nobody here"},
        published={"bad": 2},
    )
    with open_cache(cache) as opened:
        found = labelled(opened, scheme)
    assert dict(zip(found.rows.tolist(), found.names, strict=True)) == {0: "bad", 2: "other", 5: "other"}
    assert found.left_out == {"s01/c1": "emotion 'happiness'", "s02/c0": "blurred", "s02/c1": "emotion 'happiness'"}
    assert found.reasons == {"emotion 'happiness'": 2, "blurred": 1}
    assert found.published == {"bad": 2}
    assert found.absent == ("s09/c0",)


def test_an_emotion_that_the_scheme_does_not_name_is_refused(cache):
    scheme = scheme_of(classes={"bad": ["disgust"]}, left_out=["happiness"])
    with open_cache(cache) as opened, pytest.raises(InputError, match=r"what 'surprise' \(2 samples\) of .*left_out"):
        labelled(opened, scheme)


def test_a_database_that_the_scheme_does_not_name_is_refused(cache):
    with (
        open_cache(cache) as opened,
        pytest.raises(InputError, match=r"says nothing of the database 'tiny'.*it knows casme2"),
    ):
        labelled(opened, read_scheme("casme2-5"))


def test_a_scheme_that_leaves_nothing_is_refused(cache):
    scheme = scheme_of(classes={"sad": ["sadness"]}, left_out=["disgust", "happiness", "surprise"])
    with open_cache(cache) as opened, pytest.raises(InputError, match="leaves out every sample"):
        labelled(opened, scheme)


def test_objective_classes_are_mapped_as_the_table_writes_them(cache):
    scheme = scheme_of(column="objective_class", classes={"I": ["1"], "III": ["3"]}, left_out=["6"])
    with open_cache(cache) as opened:
        found = labelled(opened, scheme)
    assert found.names == ("I", "III") * 2
    assert found.reasons == {"objective class '6'": 2}


def test_a_cache_without_objective_classes_is_refused_in_words(tmp_path):
    scheme = scheme_of(column="objective_class", classes={"I": ["1"], "III": ["3"]})
    path = write_tiny_cache(tmp_path / "tiny.h5", subjects=2, size=4)
    with open_cache(path) as opened, pytest.raises(InputError, match=r"6 of 6 samples of .* have none"):
        labelled(opened, scheme)
    with h5py.File(path, "r+") as file:
        del file["samples/objective_class"]  # as caches of before
    with open_cache(path) as opened, pytest.raises(CacheError, match="built before caches held objective classes"):
        labelled(opened, scheme)


def test_a_drawn_look_alike_is_labelled_as_what_it_looks_like(tmp_path):
    path = write_tiny_cache(tmp_path / "a.h5", dataset="samm", version="synthetic", subjects=2, size=4)
    with open_cache(path) as opened:
        assert opened.dataset == "synthetic-samm"
        assert labelled(opened, read_scheme("megc2019")).names == ("negative", "positive", "surprise") * 2
