from dataclasses import replace

import h5py
import numpy as np
from tiny_cache import write_tiny_cache
from tiny_run import CONFIG

from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.images import labelled_images

SYMMETRIC = replace(CONFIG, normalization="symmetric")


def stored(path):
    """Images as the file holds them, brought to -1..1 by the largest value of each."""
    with h5py.File(path) as file:
        images = np.stack([file["di/onset"][:], file["di/offset"][:]], axis=1)
    return images.transpose(0, 1, 4, 2, 3) / np.abs(images).max((2, 3, 4))[..., None, None, None]


def test_images_and_labels_are_those_of_the_rows_of_all_caches(tmp_path):
    ours = write_tiny_cache(tmp_path / "a.h5", dataset="casme2")
    theirs = write_tiny_cache(tmp_path / "b.h5", dataset="samm", emotions=("anger", "surprise"), subjects=2, seed=1)
    corpus = read_corpus([ours, theirs])
    found = labelled_images(corpus, SYMMETRIC)
    np.testing.assert_allclose(found.images, np.concatenate([stored(ours), stored(theirs)]), rtol=1e-6)
    shown = [corpus.classes[label] for label in found.labels]
    assert shown == ["disgust", "happiness", "surprise"] * 4 + ["anger", "surprise", "anger"] * 2


def test_a_cache_that_was_written_anew_is_read_anew(tmp_path):
    path = write_tiny_cache(tmp_path / "tiny.h5")
    before = labelled_images(read_corpus([path]), SYMMETRIC).images
    write_tiny_cache(path, seed=1)
    after = labelled_images(read_corpus([path]), SYMMETRIC).images
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, stored(path), rtol=1e-6)
