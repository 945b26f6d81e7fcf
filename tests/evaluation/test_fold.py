"""One fold: who trains, who is tested, what is kept, and that nothing leaks."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from tiny_cache import write_tiny_cache
from tiny_run import counted, run

import mer_di.evaluation.evaluate
import mer_di.evaluation.fold
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.run import Run
from mer_di.learning.saved_model import load_model
from mer_di.learning.train import predict_probabilities
from mer_di.torch_dataset import DynamicImageDataset


def test_fold_records_name_who_trained_and_who_stopped(finished):
    out, _ = finished
    for path in (out / "folds").iterdir():
        record = json.loads(path.read_text())
        people = [*record["train_subjects"], *record["validation_subjects"], record["name"]]
        assert sorted(people) == ["s01", "s02", "s03", "s04"]
        assert len(record["validation_subjects"]) == 1
        assert len(record["history"]) == 2
        assert record["untrained_classes"] == []


def test_a_network_that_was_kept_is_the_one_that_predicted(finished, cache, tmp_path, monkeypatch):
    out = shutil.copytree(finished[0], tmp_path / "run")
    calls = counted(monkeypatch)
    results = run(cache, out, save_networks=True)  # folds without their network are trained again
    assert len(calls) == 4
    assert (out / "predictions.csv").read_bytes() == (finished[0] / "predictions.csv").read_bytes()
    rows = np.arange(3, 6)
    saved = load_model(Run(out).network("s02.json"))
    images = DynamicImageDataset(cache, size=16).load().subset(rows).images
    assert np.array_equal(predict_probabilities(saved.network, images), Run(out).predictions().probabilities[rows])
    assert saved.classes == tuple(results.classes)
    run(cache, out, save_networks=True)
    assert len(calls) == 4


def test_an_audit_records_and_changes_nothing(finished, cache, tmp_path):
    results = run(cache, tmp_path / "audited", audit=True)
    assert (tmp_path / "audited" / "predictions.csv").read_bytes() == (finished[0] / "predictions.csv").read_bytes()
    records = [json.loads(path.read_text()) for path in (tmp_path / "audited" / "folds").iterdir()]
    assert all(len(record["test_correct"]) == len(record["history"]) for record in records)
    chosen = sum(record["test_correct"][record["best_epoch"] - 1] for record in records)
    assert chosen / 12 == results.accuracy == results.audit["honest"]
    assert results.audit["best_epoch_on_test"] == sum(max(record["test_correct"]) for record in records) / 12
    assert results.audit["inflation_points"] == pytest.approx(
        100 * (results.audit["best_epoch_on_test"] - results.accuracy)
    )
    assert finished[1].audit is None


def what_trains_without(subject, cache, tmp_path, monkeypatch):
    """Return the images that the fold of a subject trains and validates on."""
    calls = counted(monkeypatch)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    run(cache, tmp_path / "run")
    position = sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()).index(f"{subject}.json")
    return calls[position]


def depends_on(subject, tmp_path, monkeypatch):
    """Tell whether the training of a subject's fold changes when that subject's images and labels do."""
    cache = write_tiny_cache(tmp_path / "original.h5")
    altered = shutil.copy(cache, tmp_path / "altered.h5")
    with h5py.File(altered, "r+") as file:
        rows = np.flatnonzero(file["samples/subject"].asstr()[:] == subject)
        for stream in ("onset", "offset", "full"):
            file[f"di/{stream}"][rows] = 1000 * file[f"di/{stream}"][rows] + 5
        file["samples/label"][rows] = file["samples/label"][rows][::-1]
    before, after = (what_trains_without(subject, path, tmp_path, monkeypatch) for path in (cache, altered))
    return not all(
        torch.equal(ours.images, theirs.images) and torch.equal(ours.labels, theirs.labels)
        for ours, theirs in zip(before, after, strict=True)
    )


def test_nothing_of_the_tested_subject_reaches_its_training(tmp_path, monkeypatch):
    assert not depends_on("s02", tmp_path, monkeypatch)

    def standardized(corpus, config, **options):  # the leak: statistics over everybody
        found = labelled_images(corpus, config, **options)
        return replace(found, images=(found.images - found.images.mean()) / found.images.std())

    monkeypatch.setattr(mer_di.evaluation.fold, "labelled_images", standardized)
    assert depends_on("s02", tmp_path, monkeypatch)


def test_training_and_test_images_are_those_of_the_fold(cache, tmp_path, monkeypatch):
    training, validation = what_trains_without("s03", cache, tmp_path, monkeypatch)
    record = json.loads((tmp_path / "run" / "folds" / "s03.json").read_text())
    with h5py.File(cache) as file:
        subjects, labels = file["samples/subject"].asstr()[:], file["samples/label"][:]
    assert training.labels.tolist() == labels[np.isin(subjects, record["train_subjects"])].tolist()
    assert validation.labels.tolist() == labels[np.isin(subjects, record["validation_subjects"])].tolist()
    assert record["sample_ids"] == ["s03/c0", "s03/c1", "s03/c2"]
