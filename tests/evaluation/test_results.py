import json

import h5py
import numpy as np
import pytest
from tiny_cache import EMOTIONS, write_tiny_cache
from tiny_run import run

from mer_di.errors import InputError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.results import pool
from mer_di.evaluation.run import Run


def test_results_follow_from_the_predictions(finished):
    out, results = finished
    found = Run(out).predictions()
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.predicted.tolist() == [EMOTIONS[i] for i in found.probabilities.argmax(axis=1)]
    assert found.labels.tolist() == [*EMOTIONS] * 4
    assert results.accuracy == pytest.approx(found.correct.mean())
    for i, true in enumerate(EMOTIONS):
        for j, guessed in enumerate(EMOTIONS):
            assert results.confusion[i][j] == np.sum((found.labels == true) & (found.predicted == guessed))
    for row in results.per_subject:
        assert row["correct"] == found.correct[found.subjects == row["subject"]].sum()
    assert results.intervals["n_subjects"] == 4
    assert results.seeds["accuracy"] == {"mean": results.accuracy, "sd": None, "each": [results.accuracy]}


def test_a_class_that_only_one_subject_shows_is_counted_as_untrained(tmp_path):
    cache = write_tiny_cache(tmp_path / "rare.h5", emotions=EMOTIONS[:2])
    with h5py.File(cache, "r+") as file:
        file["samples"].attrs["classes"] = ["disgust", "happiness", "sadness"]
        file["samples/label"][0] = 2
    results = run(cache, tmp_path / "run")
    assert results.classes == ["disgust", "happiness", "sadness"]
    assert [row["untrained"] for row in results.per_class] == [0, 0, 1]
    assert results.per_class[2]["recall"] == 0
    assert json.loads((tmp_path / "run" / "folds" / "s01.json").read_text())["untrained_classes"] == ["sadness"]


def test_a_sample_that_was_never_tested_or_twice_is_named(finished, cache):
    corpus, run = read_corpus([cache]), Run(finished[0])
    records = [run.fold(path.name) for path in sorted((run.folder / "folds").iterdir())]
    assert pool(corpus, records[::-1]).sample_ids.tolist() == corpus.sample_ids.tolist()
    with pytest.raises(InputError, match="exactly once; not so: s04/c0, s04/c1, s04/c2"):
        pool(corpus, records[:-1])
    with pytest.raises(InputError, match="exactly once; not so: s01/c0"):
        pool(corpus, [*records, records[0]])
    with pytest.raises(InputError, match="exactly once; not so: s01/c0"):
        pool(corpus, [*records[1:], records[1]])
