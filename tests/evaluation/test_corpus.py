"""Several caches as one corpus, and caches that are none."""

from collections import Counter

import numpy as np
import pytest
import torch
from lookalikes import (
    casme2_rows,
    write_casme2,
    write_casme2_objective_classes,
    write_casme2_table,
    write_samm,
    write_smic,
)
from tables_as_caches import write_cache_of_table
from tiny_cache import EMOTIONS, write_tiny_cache
from tiny_run import CONFIG

from mer_di.errors import InputError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.metrics import scores
from mer_di.evaluation.protocol import make_folds
from mer_di.evaluation.run import Run
from mer_di.labels import DatabaseLabels, LabelScheme, read_scheme
from mer_di.torch_dataset import DynamicImageDataset


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
    predictions = Run(tmp_path / "run").predictions()
    assert predictions.sample_ids[[0, 12]].tolist() == ["casme2/s01/c0", "b/s01/c0"]  # a manifest is known by its file
    assert len(results.per_subject) == 8
    assert results.only_in == {"anger": "b", "surprise": "casme2"}
    for row, rows in zip(results.per_dataset, (slice(0, 12), slice(12, 24)), strict=True):
        found = scores(
            *(np.searchsorted(results.classes, each[rows]) for each in (predictions.labels, predictions.predicted)),
            results.classes,
        )
        assert row["dataset"] == predictions.sample_ids[rows][0].partition("/")[0]
        assert (row["n"], row["subjects"]) == (12, 4)
        assert (row["accuracy"], row["uf1"], row["uar"]) == (found.accuracy, found.uf1, found.uar)
    assert sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()) == ["b.json", "casme2.json"]


def test_caches_that_do_not_fit_are_refused(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="samm")
    twin = write_tiny_cache(tmp_path / "twin.h5", dataset="samm")
    with pytest.raises(InputError, match="both hold 'samm'"):
        evaluate([a, twin], tmp_path / "run", CONFIG)
    other = write_tiny_cache(tmp_path / "other.h5", dataset="mmew", scheme="harmonic_arp")
    with pytest.raises(InputError, match=r"scheme is 'arp' in .* and 'harmonic_arp' in"):
        evaluate([a, other], tmp_path / "run", CONFIG)


def test_databases_of_the_same_people_are_not_pooled(tmp_path):
    caches = [write_tiny_cache(tmp_path / f"{name}.h5", dataset=name) for name in ("mmew", "samm", "samm_lv")]
    assert len(read_corpus(caches[:2])) == 24
    with pytest.raises(InputError, match=r"samm.h5 \(samm\) and .*samm_lv.h5 \(samm_lv\) show the same people"):
        read_corpus(caches)


@pytest.fixture(scope="module")
def composite(tmp_path_factory):
    """Caches of three look-alikes with the published tables, complete, without a picture."""
    place = tmp_path_factory.mktemp("composite")
    roots = {"casme2": place / "CASME2", "samm": place / "SAMM", "smic": place / "SMIC"}
    write_casme2(roots["casme2"], frames={})
    write_casme2_objective_classes(roots["casme2"] / "CASME2-ObjectiveClasses.xlsx", casme2_rows())
    write_samm(roots["samm"])
    write_smic(roots["smic"], frames_lack={})
    return {name: write_cache_of_table(place / f"{name}.h5", name, root) for name, root in roots.items()}


def test_the_composite_of_2019_has_its_442_samples_of_68_subjects(composite):
    corpus = read_corpus([*composite.values()], read_scheme("megc2019"))
    assert (len(corpus), len(set(corpus.subjects)), corpus.classes) == (442, 68, ("negative", "positive", "surprise"))
    assert Counter(corpus.datasets.tolist()) == {"casme2": 145, "samm": 133, "smic": 164}
    people = Counter(name.partition("/")[0] for name in set(corpus.subjects.tolist()))
    assert people == {"casme2": 24, "samm": 28, "smic": 16}
    assert corpus.counts == corpus.published
    assert {name: sum(each.n for each in corpus.left_out if each.dataset == name) for name in composite} == {
        "casme2": 110,
        "samm": 26,
        "smic": 0,
    }
    assert corpus.only_in == {}
    folds = make_folds("loso", "none", subjects=corpus.subjects, labels=corpus.labels, datasets=corpus.datasets, seed=0)
    assert (len(folds), sum(len(fold.test) for fold in folds)) == (68, 442)


def test_a_table_of_2019_gives_the_composite_of_2019_too(composite, tmp_path):
    table = tmp_path / "CASME2-coding-20190701.xlsx"
    write_casme2_table(table, casme2_rows("2019"), version="2019")
    root = composite["casme2"].with_name("CASME2")
    cache = write_cache_of_table(tmp_path / "casme2.h5", "casme2", root, table=table)
    ours, theirs = (read_corpus([path], read_scheme("megc2019")) for path in (cache, composite["casme2"]))
    assert ours.sample_ids.tolist() == theirs.sample_ids.tolist()
    assert ours.counts == theirs.counts


def test_the_composite_of_2018_has_its_253_samples(composite):
    corpus = read_corpus([composite["casme2"], composite["samm"]], read_scheme("megc2018"))
    assert (len(corpus), corpus.classes) == (253, ("I", "II", "III", "IV", "V"))
    assert corpus.counts == corpus.published


def test_images_are_those_of_the_samples_that_have_a_class(tmp_path):
    caches = [write_tiny_cache(tmp_path / f"{name}.h5", dataset=name, subjects=2) for name in ("casme2", "samm")]
    scheme = LabelScheme(
        "own",
        "",
        "",
        "emotion",
        {
            "casme2": DatabaseLabels({"x": ["disgust"], "y": ["surprise"]}, ["happiness"], {"s01/c0": "blurred"}),
            "samm": DatabaseLabels({"x": ["happiness"], "y": ["surprise", "disgust"]}),
        },
    )
    corpus = read_corpus(caches, scheme)
    assert corpus.sample_ids[:3].tolist() == ["casme2/s01/c2", "casme2/s02/c0", "casme2/s02/c2"]
    found = labelled_images(corpus, CONFIG)
    whole = [DynamicImageDataset(path, CONFIG.model.streams, size=16).load().images for path in caches]
    assert torch.equal(found.images, torch.cat([whole[0][[2, 3, 5]], whole[1]]))
    assert found.labels.tolist() == [1, 0, 1, 1, 0, 1, 1, 0, 1]


def test_a_class_that_one_database_alone_has_is_named(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="casme2", emotions=("disgust", "happiness", "repression"))
    b = write_tiny_cache(tmp_path / "b.h5", dataset="samm", emotions=("anger", "disgust", "happiness"))
    assert read_corpus([a, b]).only_in == {"anger": "samm", "repression": "casme2"}
    assert read_corpus([a]).only_in == {}
