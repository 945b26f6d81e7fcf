"""Nobody is two people in a corpus."""

import json

import h5py
import numpy as np
import pytest
from tiny_cache import write_tiny_cache
from tiny_run import CONFIG

from mer_di.errors import InputError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.evaluate import evaluate


def test_a_cache_with_one_person_under_two_names_is_not_trained_on(tmp_path):
    cache = write_tiny_cache(tmp_path / "cache.h5", subjects=["01", "1", "2"])
    with pytest.raises(InputError, match=r"probably one person each: '01' and '1'\. If so, a network"):
        evaluate([cache], tmp_path / "run", CONFIG, validation="none")


def test_the_tables_word_is_taken_if_asked_for(tmp_path):
    cache = write_tiny_cache(tmp_path / "cache.h5", subjects=["01", "1", "2"])
    corpus = read_corpus([cache], subjects_as_written=True)
    assert (corpus.alike, sorted({*corpus.subjects})) == ((("01", "1"),), ["01", "1", "2"])
    evaluate(corpus, tmp_path / "run", CONFIG, validation="none")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["subjects_as_written"] == [["01", "1"]]


def of_frames(cache, digests):
    """Say in a cache which frames its first samples were made from."""
    with h5py.File(cache, "r+") as file:
        file["samples/frames_digest"][: len(digests)] = [digest.encode() for digest in digests]
    return cache


def test_the_same_frames_are_one_persons(tmp_path):
    one = of_frames(write_tiny_cache(tmp_path / "one.h5", clips=2, dataset="manifest"), ["a", "b", "g"])
    other = write_tiny_cache(tmp_path / "other.h5", subjects=["p1", "p2"], clips=2, dataset="manifest")
    assert len(read_corpus([of_frames(other, ["c", "d"]), one])) == 12
    with pytest.raises(InputError, match=r"p1/c1 of .*other.h5 and s01/c0 of .*one.h5 are the same frames"):
        read_corpus([of_frames(other, ["c", "a"]), one])
    with pytest.raises(InputError, match=r"p1/c0 of .*other.h5 and p2/c0 of .*other.h5 are the same frames"):
        read_corpus([of_frames(other, ["e", "f", "e"])])


def test_frames_that_all_clips_of_a_person_have_show_nobody(tmp_path):
    one = write_tiny_cache(tmp_path / "one.h5", subjects=["s1", "s2"], clips=2, dataset="manifest")
    other = write_tiny_cache(tmp_path / "other.h5", subjects=["p1", "p2"], clips=2, dataset="manifest")
    assert len(read_corpus([of_frames(one, ["black"] * 4), of_frames(other, ["black", "c", "black"])])) == 8


def test_a_name_in_two_manifests_is_one_persons(tmp_path):
    names = {"a": ["anna", "ben"], "b": ["carl", "dora"], "c": ["eve", "ben"], "d": ["Anna"]}
    caches = [
        write_tiny_cache(tmp_path / f"{name}.h5", subjects=people, dataset="manifest") for name, people in names.items()
    ]
    assert len(np.unique(read_corpus(caches[:2]).subjects)) == 4
    with pytest.raises(InputError, match=r"a.h5 and .*c.h5 both hold a subject 'ben', and 1 in all;.*mer-di merge"):
        read_corpus(caches)
    with pytest.raises(InputError, match=r"a.h5 and .*d.h5 both hold a subject 'Anna' or 'anna', and 1 in all;"):
        read_corpus([*caches[:2], caches[3]])
    for as_written, people in ((caches[:3], 6), ([*caches[:2], caches[3]], 5)):
        assert len(np.unique(read_corpus(as_written, subjects_as_written=True).subjects)) == people
