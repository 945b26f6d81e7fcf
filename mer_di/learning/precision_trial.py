"""Which precision is the faster one for a run: a few steps of both."""

import math
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import median

import torch

from mer_di.executors import finished
from mer_di.learning.devices import reproducible
from mer_di.learning.models import architecture
from mer_di.learning.precision import computes_bfloat16, without_trial
from mer_di.learning.train import Steps
from mer_di.learning.train_config import Precision, TrainConfig
from mer_di.torch_dataset import LabelledImages

ROUNDS = 3
"""Steps of each precision, in turn, after one of each that does not count."""

WORTH_A_TRIAL = 100
"""Steps of a run from which on something is tried: the trial is 8 of them, and saves up to half of the others."""

GAIN = 1.1
"""How many times as fast bfloat16 has to be: for less, a coarser number and a decision by chance are not worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionChoice:
    """In which precision a run takes its steps, and why.

    Attributes
    ----------
    asked : {"auto", "float32", "bfloat16"}
    used : {"float32", "bfloat16"}
    reason : str
    seconds : dict of str to float, or None
        Median of a step in each precision; None if nothing was tried.
    """

    asked: Precision
    used: Precision
    reason: str
    seconds: dict[str, float] | None = None


def choose_precision(
    config: TrainConfig,
    n_classes: int,
    *,
    samples: int,
    trainings: int,
    device: str,
    executor: Executor | None = None,
) -> PrecisionChoice:
    """Decide in which precision a run takes its steps.

    Parameters
    ----------
    config : TrainConfig
        Another precision than ``auto`` is taken at its word.
    n_classes : int
    samples : int
        Training samples of a fold.
    trainings : int
        Folds of the run.
    device : str
        GPUs are not tried, see `mer_di.learning.precision.without_trial`.
    executor : concurrent.futures.Executor, optional
        Where folds run, and so the trial; here by default.

    Returns
    -------
    PrecisionChoice

    Raises
    ------
    BackendUnavailableError
        If the worker died.
    """
    if config.precision != "auto":
        return PrecisionChoice(asked=config.precision, used=config.precision, reason="asked for")
    where = torch.device(device)
    if where.type != "cpu":
        used = without_trial("auto", where)
        reason = f"{device} {'computes' if used == 'bfloat16' else 'does not compute'} with bfloat16"
        return PrecisionChoice(asked="auto", used=used, reason=reason)
    steps = trainings * config.epochs * math.ceil(samples / config.batch_size)
    if steps < WORTH_A_TRIAL:
        reason = f"at most {steps} steps; a trial pays from {WORTH_A_TRIAL} on"
        return PrecisionChoice(asked="auto", used="float32", reason=reason)
    batch_size = min(samples, config.batch_size)
    if executor is None:
        return try_both(config, n_classes, batch_size)
    calls = {0: (config, n_classes, batch_size)}
    ((_, choice),) = finished(executor, try_both, calls, lambda *_: "the trial of float32 and bfloat16")
    return choice


def try_both(config: TrainConfig, n_classes: int, batch_size: int) -> PrecisionChoice:
    """Time steps of a configuration on this machine's processor, on noise, as a training takes them.

    Parameters
    ----------
    config : TrainConfig
    n_classes : int
    batch_size : int

    Returns
    -------
    PrecisionChoice
    """
    if not computes_bfloat16(torch.device("cpu")):
        reason = "the processor has no arithmetic of bfloat16, or torch cannot tell"
        return PrecisionChoice(asked="auto", used="float32", reason=reason)
    seconds = {name: median(times) for name, times in _timed_steps(config, n_classes, batch_size).items()}
    ratio = seconds["float32"] / seconds["bfloat16"]
    used: Precision = "bfloat16" if ratio >= GAIN else "float32"
    reason = f"in a trial bfloat16 was {ratio:.2f} times as fast as float32; it is used from {GAIN} on"
    return PrecisionChoice(asked="auto", used=used, reason=reason, seconds=seconds)


def _timed_steps(config: TrainConfig, n_classes: int, batch_size: int) -> dict[str, list[float]]:
    streams, side = config.model.n_streams, config.model.input_size
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    seconds: dict[str, list[float]] = {name: [] for name in precisions}
    with reproducible(0, torch.device("cpu")):
        images = torch.randn(batch_size, streams, 3, side, side)
        batch = LabelledImages(images, torch.arange(batch_size) % n_classes)
        steps = Steps.of(architecture(config.model, n_classes).train(), batch.labels, n_classes, config, seed=0)
        for turn in range(1 + ROUNDS):
            for precision in precisions:
                started = time.perf_counter()
                steps.take(batch, precision)
                if turn:
                    seconds[precision].append(time.perf_counter() - started)
    return seconds
