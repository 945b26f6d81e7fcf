"""One visible training loop. It sees training and validation samples and has no parameter for any other."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from mer_di.errors import InputError
from mer_di.learning.augment import augment
from mer_di.learning.devices import one_thread, own_randomness, reproducible
from mer_di.learning.finite import is_finite
from mer_di.learning.history import Epoch
from mer_di.learning.losses import classification_loss, consistency_loss, weigh_classes
from mer_di.learning.models import ModelOutput, build_model, restart_statistics
from mer_di.learning.precision import arithmetic, without_trial
from mer_di.learning.train_config import Precision, TrainConfig
from mer_di.torch_dataset import LabelledImages

Watch = Callable[[nn.Module, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a training.

    Attributes
    ----------
    model : torch.nn.Module
        With the parameters of the best epoch, in evaluation mode, on the device of the training.
    best_epoch : int
        1-based: the earliest epoch with the smallest validation loss, or the last one without validation.
    history : list of Epoch
        One a trained epoch.
    """

    model: nn.Module
    best_epoch: int
    history: list[Epoch]


def train_model(
    training: LabelledImages,
    validation: LabelledImages | None,
    n_classes: int,
    config: TrainConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    watch: Watch | None = None,
) -> Trained:
    """Train one network and return it as it was in its best epoch.

    Parameters
    ----------
    training : LabelledImages
        At least two samples. A class may be absent. Genders, where they are given, are learnt by a network that does.
    validation : LabelledImages or None
        Samples of other subjects, which decide when to stop and which epoch is the best, by their emotions alone. None
        trains all epochs and keeps the last.
    n_classes : int
        Number of classes C, at least 2.
    config : TrainConfig
        Its precision ``auto`` is bfloat16 on a GPU that computes with it and float32 on the CPU: only a run tries both.
    seed : int
        Same samples, configuration and seed on the same processor: the same bits. To that end a training uses one CPU
        thread, and torch's global generators, which are restored afterwards. Train several networks at once in
        processes: one a core is also the faster way to use the cores, and threads would share the generators.
    device : torch.device or str
    watch : callable, optional
        Called as ``watch(model, epoch)`` after each epoch (1-based) with the model in evaluation mode. It is told
        and not asked: what it returns is not used, and the random numbers that it draws are given back.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If the samples do not fit the configuration or each other, or the network diverges: a loss, a parameter or a
        statistic is no longer finite.
    MissingDependencyError
        If ImageNet weights cannot be had.
    """
    _require_trainable("training", training, n_classes, config, at_least=2)
    if validation is not None:
        _require_trainable("validation", validation, n_classes, config, at_least=1)
    device = torch.device(device)
    with reproducible(seed, device):
        model = build_model(config.model, n_classes).to(device)
        training = training.to(device)
        validation = None if validation is None else validation.to(device)
        steps = Steps.of(model, training.labels, n_classes, config, seed=seed)
        history: list[Epoch] = []
        best_epoch, best_loss = 0, math.inf
        best_state: dict[str, Any] | None = None
        for epoch in range(1, config.epochs + 1):
            training_loss = _train_epoch(steps, training)
            model.eval()
            validation_loss = None if validation is None else _mean_loss(steps, validation)
            history.append(Epoch(epoch=epoch, training_loss=training_loss, validation_loss=validation_loss))
            _require_finite(steps, history[-1], training)
            if validation_loss is None:
                best_epoch = epoch
            elif validation_loss < best_loss:
                best_epoch, best_loss, best_state = epoch, validation_loss, copy.deepcopy(model.state_dict())
            if watch is not None:
                with own_randomness(device):
                    watch(model, epoch)
            if epoch - best_epoch >= config.patience:
                break
        if best_state is not None:
            model.load_state_dict(best_state)
        return Trained(model.eval(), best_epoch, history)


def predict_probabilities(
    model: nn.Module, images: Tensor, *, device: torch.device | str = "cpu", batch_size: int = 32
) -> NDArray[np.float64]:
    """Return the probability of each class, in float32 whatever precision the steps of the training had.

    A bfloat16 has 8 significant bits: two classes would often come out alike, and a network that was saved would say
    something else where there is no such arithmetic.

    Parameters
    ----------
    model : torch.nn.Module
        As `train_model` returns it; moved to the device.
    images : Tensor of float32, shape (N, n_streams, 3, S, S), RGB
        Normalized as for training.
    device : torch.device or str
    batch_size : int
        Samples at a time; bounds the memory and may change the last bits.

    Returns
    -------
    ndarray of float64, shape (N, C)
        Rows sum to 1.

    Raises
    ------
    InputError
        If a probability is not finite.
    """
    device = torch.device(device)
    model.to(device).eval()
    with torch.inference_mode(), one_thread():
        logits = [model(part.to(device)).logits.cpu() for part in torch.split(images, batch_size)]
    probabilities: NDArray[np.float64] = torch.softmax(torch.cat(logits).double(), dim=1).numpy()
    unsure = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(unsure):
        raise InputError(
            f"the network gives {len(unsure)} of {len(images)} samples no probabilities that are finite, first of them "
            f"sample {unsure[0]} (0-based): it diverged in training, or the image is not finite (mer-di verify CACHE)"
        )
    return probabilities


@dataclass(frozen=True, slots=True)
class Steps:
    """What takes the steps of a training.

    Attributes
    ----------
    model : torch.nn.Module
    config : TrainConfig
    class_weights : Tensor of float32, shape (C,)
    optimizer : torch.optim.Optimizer
    generator : torch.Generator
        Of batches and augmentation.
    """

    model: nn.Module
    config: TrainConfig
    class_weights: Tensor
    optimizer: torch.optim.Optimizer
    generator: Generator

    @classmethod
    def of(cls, model: nn.Module, labels: Tensor, n_classes: int, config: TrainConfig, *, seed: int) -> "Steps":
        """Begin with a network and the labels of its training samples, shape (N,)."""
        optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
        class_weights = weigh_classes(labels, n_classes, kind=config.class_weights, beta=config.effective_beta)
        return cls(model, config, class_weights, optimizer, Generator().manual_seed(seed))

    def take(self, batch: LabelledImages, precision: Precision) -> float:
        """Take one step in a precision other than ``auto``; return the loss before it."""
        images = augment(
            batch.images,
            self.generator,
            flip=self.config.flip,
            rotation=self.config.rotation,
            flow=self.config.model.flow_streams,
        )
        with arithmetic(self.model, precision, images.device):
            output = self.model(images)
        loss = self.loss(output, batch.labels, batch.genders)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def loss(self, output: ModelOutput, labels: Tensor, genders: Tensor | None = None) -> Tensor:
        """Return classification + λ · consistency (Eq. 5, where there are two streams) + λ · gender (where given)."""
        config = self.config
        logits = output.logits.float()
        loss = classification_loss(logits, labels, self.class_weights, kind=config.loss, gamma=config.focal_gamma)
        if len(output.features) == 2:
            first, second = output.features
            loss = loss + config.consistency * consistency_loss(first.float(), second.float())
        if genders is not None and output.genders is not None:
            loss = loss + config.gender_weight * cross_entropy(output.genders.float(), genders)
        return loss


def _train_epoch(steps: Steps, training: LabelledImages) -> float:
    """Take one step a batch; return the mean loss of a sample."""
    precision = without_trial(steps.config.precision, training.labels.device)
    steps.model.train()
    restart_statistics(steps.model)
    total = 0.0
    for rows in _batches(len(training), steps.config.batch_size, steps.generator):
        batch = training.subset(rows)
        if steps.config.apex_jitter:
            batch = batch.at_drawn_apexes(steps.generator)
        total += steps.take(batch, precision) * len(batch)
    return total / len(training)


@torch.inference_mode()
def _mean_loss(steps: Steps, samples: LabelledImages) -> float:
    size = steps.config.batch_size
    parts = zip(torch.split(samples.images, size), torch.split(samples.labels, size), strict=True)
    return sum(steps.loss(steps.model(images), labels).item() * len(labels) for images, labels in parts) / len(samples)


def _batches(count: int, batch_size: int, generator: Generator) -> tuple[Tensor, ...]:
    """Cut a random order into equal parts: at most ``batch_size`` and at least 2 samples each.

    With an odd count and a ``batch_size`` of 2 both cannot be had: one part is of 3.
    """
    parts = min(math.ceil(count / batch_size), count // 2)
    return torch.randperm(count, generator=generator).tensor_split(parts)


def _require_finite(steps: Steps, epoch: Epoch, training: LabelledImages) -> None:
    """Make sure that a network did not diverge in an epoch, or in its last step, which no training loss shows."""
    after = epoch["validation_loss"]
    losses = epoch["training_loss"], _mean_loss(steps, training.subset(range(2))) if after is None else after
    if not (is_finite(steps.model) and all(map(math.isfinite, losses))):
        raise InputError(
            f"the network diverged in epoch {epoch['epoch']}: its parameters or its losses (in training "
            f"{losses[0]:g}, after it {losses[1]:g}) are not finite. Train with a lower learning rate, in another "
            "folder; if that does not help, look for images that are not finite: mer-di verify CACHE"
        )


def _require_trainable(
    role: str, samples: LabelledImages, n_classes: int, config: TrainConfig, *, at_least: int
) -> None:
    if n_classes < 2:
        raise InputError(f"there is {n_classes} class; expected at least 2: telling one class apart means nothing")
    if len(samples) < at_least:
        raise InputError(f"the {role} samples are {len(samples)}; expected at least {at_least}")
    side = config.model.input_size
    expected = (config.model.n_streams, 3, side, side)
    if tuple(samples.images.shape[1:]) != expected:
        raise InputError(f"the {role} images are {tuple(samples.images.shape[1:])} each; the model takes {expected}")
    if not 0 <= int(samples.labels.min()) <= int(samples.labels.max()) < n_classes:
        raise InputError(
            f"the {role} labels reach from {samples.labels.min()} to {samples.labels.max()}; "
            f"expected 0 to {n_classes - 1}"
        )
