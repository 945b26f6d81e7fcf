"""One fold: train, test, and save what came out of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch

from mer_di.errors import InputError
from mer_di.evaluation.corpus import Corpus
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.protocol import Fold, fold_seed, require_honest
from mer_di.evaluation.run import FoldRecord, Run
from mer_di.files import file_names
from mer_di.learning.saved_model import SavedModel, save_model
from mer_di.learning.train import Watch, predict_probabilities, train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import LabelledImages


@dataclass(frozen=True, slots=True, eq=False)
class SeedRun:
    """One seed's run, with all that a worker needs for any of its folds.

    Attributes
    ----------
    run : Run
        Where records go.
    identity : mapping
        The run's configuration: what all of its folds have in common.
    corpus : Corpus
    folds : tuple of Fold
    config : TrainConfig
    seed : int
    device : str
    audit : bool
        Whether to record, and never use, the test accuracy after each epoch.
    save_networks : bool
        Whether to keep each fold's network.
    apex_sensitivity : bool
        Whether to record what it says at neighbouring apexes.
    """

    run: Run
    identity: Mapping[str, Any]
    corpus: Corpus
    folds: tuple[Fold, ...]
    config: TrainConfig
    seed: int
    device: str
    audit: bool
    save_networks: bool
    apex_sensitivity: bool

    @property
    def files(self) -> dict[str, str]:
        """Name of each fold's file."""
        return file_names(fold.name for fold in self.folds)


def run_fold(job: SeedRun, fold: Fold) -> None:
    """Train and test one fold and save its record; the task that workers run.

    Parameters
    ----------
    job : SeedRun
    fold : Fold
        One of its folds.

    Raises
    ------
    CacheError
        If a cache is no longer the file that the run began with.
    InputError
        If the training fails; the fold is named.
    RunError
        If the folder has become another run's meanwhile: a worker of a cluster may outlive the run that it works for.
    """
    try:
        _run(job, fold)
    except InputError as error:
        raise InputError(f"fold {fold.name!r}: {error}") from error


def _run(job: SeedRun, fold: Fold) -> None:
    require_honest(fold, job.corpus.subjects)
    import_module("timm")  # before the clock: a process pays for it once, and it is no part of training and testing
    started = time.perf_counter()
    test_correct: list[int] = []
    images = labelled_images(job.corpus, job.config, neighbours=job.apex_sensitivity)
    test = images.subset(fold.test)
    trained = train_model(
        images.subset(fold.train),
        images.subset(fold.validation) if len(fold.validation) else None,
        len(job.corpus.classes),
        job.config,
        seed=fold_seed(job.seed, fold.name),
        device=job.device,
        watch=_auditor(test, job.device, test_correct) if job.audit else None,
    )
    probabilities = predict_probabilities(trained.model, test.images, device=job.device)
    classes, labels, subjects = job.corpus.classes, job.corpus.labels, job.corpus.subjects
    record = FoldRecord(
        name=fold.name,
        seed=fold_seed(job.seed, fold.name),
        train_subjects=np.unique(subjects[fold.train]).tolist(),
        validation_subjects=np.unique(subjects[fold.validation]).tolist(),
        untrained_classes=[classes[label] for label in range(len(classes)) if label not in labels[fold.train]],
        best_epoch=trained.best_epoch,
        history=trained.history,
        sample_ids=job.corpus.sample_ids[fold.test].tolist(),
        probabilities=probabilities.tolist(),
        test_correct=test_correct if job.audit else None,
        seconds=time.perf_counter() - started,
        device=job.device,
        beside=_beside(trained.model, test, job.device) if job.apex_sensitivity else None,
    )
    job.run.require(job.identity)
    if job.save_networks:  # first: a finished fold has all that was asked for
        saved = SavedModel(trained.model, job.config, classes, job.corpus.recipe)
        save_model(saved, job.run.network(job.files[fold.name]))
    job.run.write_fold(job.files[fold.name], record)


def _beside(model: torch.nn.Module, test: LabelledImages, device: str) -> list[list[int]]:
    """Return what each tested sample is taken for at each of its neighbouring apexes."""
    at_each = () if test.neighbours is None else test.neighbours.unbind(1)
    guessed = [predict_probabilities(model, images, device=device).argmax(axis=1) for images in at_each]
    found: list[list[int]] = np.stack(guessed, axis=1).tolist()
    return found


def _auditor(test: LabelledImages, device: str, correct: list[int]) -> Watch:
    def watch(model: torch.nn.Module, _epoch: int) -> None:
        guessed = predict_probabilities(model, test.images, device=device).argmax(axis=1)
        correct.append(int((guessed == test.labels.numpy()).sum()))

    return watch
