"""A network for new clips: trained on everybody."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mer_di.evaluation.corpus import Corpus, read_corpus
from mer_di.evaluation.genders import require_genders, training_genders
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.protocol import DEFAULT_VALIDATION, everyone, fold_seed, subjects_held_out
from mer_di.learning.devices import choose_device
from mer_di.learning.precision_trial import choose_precision
from mer_di.learning.saved_model import SavedModel
from mer_di.learning.train import train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.learning.views import training_samples


def train_on_everyone(
    caches: Sequence[str | os.PathLike[str]] | Corpus,
    config: TrainConfig | None = None,
    *,
    validation: str = DEFAULT_VALIDATION,
    seed: int = 0,
    genders: Mapping[str, str] | None = None,
    device: str = "auto",
) -> SavedModel:
    """Train one network on all subjects, for clips of somebody else.

    How well it does is what `mer_di.evaluation.evaluate.evaluate` measured under the same configuration; nothing is
    left here to measure it on.

    Parameters
    ----------
    caches : sequence of path-like, or Corpus
        Files that ``mer-di build`` wrote, by one recipe.
    config : TrainConfig, optional
        The paper's if not given. Its precision ``auto`` is decided by a trial of its own: for the network that a run
        tested, give the precision that the run used.
    validation : str
        ``subjects:K`` holds out K subjects to stop the training; ``none`` trains on all for a fixed number of epochs.
    seed : int
    genders : mapping of str to str, optional
        See `mer_di.evaluation.evaluate.evaluate`.
    device : {"auto", "cpu", "cuda", "mps"}

    Returns
    -------
    SavedModel

    Raises
    ------
    InputError
        If the caches were built by different recipes, the subjects are too few, or the network diverges.
    CacheError, MissingDependencyError, BackendUnavailableError
        See `mer_di.evaluation.evaluate.evaluate`.
    """
    config, device = config or TrainConfig(), choose_device(device)
    corpus = caches if isinstance(caches, Corpus) else read_corpus(caches)
    recipe = corpus.recipe
    fold = everyone(corpus.subjects, validation_subjects=subjects_held_out(validation), seed=seed)
    n_classes = len(corpus.classes)
    require_genders(genders, config, corpus.subjects, [fold])
    n_samples = len(fold.train) * config.model.samples_per_clip
    choice = choose_precision(config, n_classes, samples=n_samples, trainings=1, device=device)
    config = replace(config, precision=choice.used)
    images, model = labelled_images(corpus, config), config.model
    known = training_genders(genders, fold.name, corpus.subjects[fold.train])
    training = replace(images.subset(fold.train), genders=known)
    trained = train_model(
        training_samples(training, model),
        training_samples(images.subset(fold.validation), model) if len(fold.validation) else None,
        n_classes,
        config,
        seed=fold_seed(seed, fold.name),
        device=device,
    )
    return SavedModel(trained.model, config, corpus.classes, recipe)
