"""One fold: train, test, and save what came out of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer_di.errors import InputError
from mer_di.evaluation.corpus import Corpus
from mer_di.evaluation.genders import training_genders
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.protocol import Fold, fold_seed, require_honest
from mer_di.evaluation.records import FoldRecord
from mer_di.evaluation.run import Run
from mer_di.learning.saved_model import SavedModel, save_model
from mer_di.learning.train import Watch, train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.learning.views import clip_probabilities, training_samples
from mer_di.torch_dataset import LabelledImages

_ONE_GENDER = "gender, as all training subjects have one"


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
        Empty for a worker: it is told its own, and the numbers of all would be most of what is sent to it.
    files : mapping of str to str
        Name of each fold to that of its file.
    config : TrainConfig
    seed : int
    device : str
    audit : bool
        Whether to record, and never use, the test accuracy after each epoch.
    save_networks : bool
        Whether to keep each fold's network.
    apex_sensitivity : bool
        Whether to record what it says at neighbouring apexes.
    genders : mapping of str to str, or None
        Subject to gender, for a network that learns it.
    """

    run: Run
    identity: Mapping[str, Any]
    corpus: Corpus
    folds: tuple[Fold, ...]
    files: Mapping[str, str]
    config: TrainConfig
    seed: int
    device: str
    audit: bool
    save_networks: bool
    apex_sensitivity: bool
    genders: Mapping[str, str] | None = None

    def tested(self, fold: Fold | None = None) -> Corpus:
        """Return what a fold, or all together, are scored on: clips, or under ``per-image`` their images."""
        clips, model = self.corpus if fold is None else self.corpus.subset(fold.test), self.config.model
        return clips.per_image(model.images_read) if model.test_images == "per-image" else clips


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
    test, tested, model = images.subset(fold.test), job.tested(fold), job.config.model
    genders = training_genders(job.genders, fold.name, job.corpus.subjects[fold.train])
    training = replace(images.subset(fold.train), genders=genders)
    trained = train_model(
        training_samples(training, model),
        training_samples(images.subset(fold.validation), model) if len(fold.validation) else None,
        len(job.corpus.classes),
        job.config,
        seed=fold_seed(job.seed, fold.name),
        device=job.device,
        watch=_auditor(job, test, tested, test_correct) if job.audit else None,
    )
    probabilities = clip_probabilities(trained.model, test.images, model, device=job.device)
    classes, labels, subjects = job.corpus.classes, job.corpus.labels, job.corpus.subjects
    record = FoldRecord(
        name=fold.name,
        seed=fold_seed(job.seed, fold.name),
        train_subjects=np.unique(subjects[fold.train]).tolist(),
        validation_subjects=np.unique(subjects[fold.validation]).tolist(),
        untrained_classes=[classes[label] for label in range(len(classes)) if label not in labels[fold.train]],
        untrained_terms=[_ONE_GENDER] if job.genders is not None and genders is None else [],
        best_epoch=trained.best_epoch,
        history=trained.history,
        sample_ids=tested.sample_ids.tolist(),
        probabilities=probabilities.tolist(),
        test_correct=test_correct if job.audit else None,
        seconds=time.perf_counter() - started,
        device=job.device,
        beside=_beside(job, trained.model, test) if job.apex_sensitivity else None,
    )
    job.run.require(job.identity)
    if job.save_networks:  # first: a finished fold has all that was asked for
        saved = SavedModel(trained.model, job.config, classes, job.corpus.recipe)
        save_model(saved, job.run.network(job.files[fold.name]))
    job.run.write_fold(job.files[fold.name], record)


def _beside(job: SeedRun, network: torch.nn.Module, test: LabelledImages) -> list[list[int]]:
    """Return what each tested sample is taken for at each of its neighbouring apexes."""
    at_each = () if test.neighbours is None else test.neighbours.unbind(1)
    guessed = [_guessed(job, network, images) for images in at_each]
    found: list[list[int]] = np.stack(guessed, axis=1).tolist()
    return found


def _guessed(job: SeedRun, network: torch.nn.Module, images: Tensor) -> NDArray[np.intp]:
    found: NDArray[np.intp] = clip_probabilities(network, images, job.config.model, device=job.device).argmax(axis=1)
    return found


def _auditor(job: SeedRun, test: LabelledImages, tested: Corpus, correct: list[int]) -> Watch:
    def watch(model: torch.nn.Module, _epoch: int) -> None:
        correct.append(int((_guessed(job, model, test.images) == tested.labels).sum()))

    return watch
