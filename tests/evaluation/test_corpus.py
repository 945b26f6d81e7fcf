"""Several caches as one corpus, and caches that are none."""

import pytest
from tiny_cache import EMOTIONS, write_tiny_cache
from tiny_run import CONFIG

from mer_di.errors import InputError
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.run import Run


def test_networks_of_unlike_caches_are_not_kept(tmp_path):
    ours = write_tiny_cache(tmp_path / "ours.h5", dataset="samm")
    other = write_tiny_cache(tmp_path / "other.h5", dataset="casme2", size=20)
    with pytest.raises(InputError, match=r"built differently \(size: 16 \| 20\)"):
        evaluate([ours, other], tmp_path / "run", CONFIG, validation="subjects:1", save_networks=True)


def test_one_database_is_left_out_at_a_time(tmp_path):
    caches = [
        write_tiny_cache(tmp_path / "a.h5", dataset="casme2"),
        write_tiny_cache(tmp_path / "b.h5", dataset="manifest", emotions=(*EMOTIONS[:2], "anger"), size=24),
    ]
    results = evaluate(caches, tmp_path / "run", CONFIG, protocol="leave-one-dataset-out", validation="none")
    assert (results.n, results.classes) == (24, ["anger", "disgust", "happiness", "surprise"])
    assert [row["untrained"] for row in results.per_class] == [4, 0, 0, 4]
    found = Run(tmp_path / "run").predictions()
    assert found.sample_ids[[0, 12]].tolist() == ["casme2/s01/c0", "b/s01/c0"]  # a manifest is known by its file
    assert len(results.per_subject) == 8
    assert sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()) == ["b.json", "casme2.json"]


def test_caches_that_do_not_fit_are_refused(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="samm")
    twin = write_tiny_cache(tmp_path / "twin.h5", dataset="samm")
    with pytest.raises(InputError, match="both hold 'samm'"):
        evaluate([a, twin], tmp_path / "run", CONFIG)
    other = write_tiny_cache(tmp_path / "other.h5", dataset="mmew", scheme="harmonic_arp")
    with pytest.raises(InputError, match=r"scheme is 'arp' in .* and 'harmonic_arp' in"):
        evaluate([a, other], tmp_path / "run", CONFIG)


def test_a_cache_with_one_person_under_two_names_is_not_trained_on(tmp_path):
    cache = write_tiny_cache(tmp_path / "cache.h5", subjects=["01", "1", "2"])
    with pytest.raises(InputError, match=r"probably one person each: '01' and '1'\."):
        evaluate([cache], tmp_path / "run", CONFIG, validation="none")
