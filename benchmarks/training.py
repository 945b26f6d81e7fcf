"""The trainer against the bare step: images a second of `train_model` and of forward, backward and optimizer alone.

    python benchmarks/training.py [--quick] [--backbone tf_efficientnet_lite0] [--size 112] [--batch-size 8]

Both sides train the same network on the same number of batches with one thread, in alternating rounds. The bare step
has one batch in place: no shuffling, no augmentation, no loss history, no copy of the best parameters. Beside it: what
several folds at a time gain over several threads a fold, and how long a command needs until it trains. The figures go
to ``benchmarks/results/<date>-training.json``.
"""

import argparse
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
from machine import keep, machine

from mer_di.executors import processors
from mer_di.learning.losses import consistency_loss
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import build_model
from mer_di.learning.train import train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import LabelledImages

N_CLASSES = 7
BATCHES = 8


def samples(config: TrainConfig) -> LabelledImages:
    """Return noise in the shape of two streams of dynamic images: whole batches of them."""
    side, count = config.model.input_size, BATCHES * config.batch_size
    images = torch.randn(count, 2, 3, side, side, generator=torch.Generator().manual_seed(0))
    return LabelledImages(images, torch.arange(count) % N_CLASSES)


def bare_steps(config: TrainConfig) -> float:
    """Return the seconds that the epochs' steps take on one batch that is already in place."""
    model = build_model(config.model, N_CLASSES).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    batch = samples(config).subset(range(config.batch_size))
    started = time.perf_counter()
    for _ in range(config.epochs * BATCHES):
        output = model(batch.images)
        loss = torch.nn.functional.cross_entropy(output.logits, batch.labels)
        loss = loss + config.consistency * consistency_loss(*output.features)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - started


def trainer(config: TrainConfig) -> float:
    """Return the seconds of a whole training of as many steps, building the network included."""
    training = samples(config)
    started = time.perf_counter()
    train_model(training, None, N_CLASSES, config, seed=0)
    return time.perf_counter() - started


def steps_with_threads(config: TrainConfig, threads: int) -> float:
    """Return the seconds of the bare steps under a number of threads; the task of a worker."""
    torch.set_num_threads(threads)
    return bare_steps(config)


def folds_at_a_time(config: TrainConfig, workers: int) -> float:
    """Return the seconds until every worker has trained a fold of its own, with one thread each."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(steps_with_threads, [config] * workers, [1] * workers))  # imports, and the network once
        started = time.perf_counter()
        list(pool.map(steps_with_threads, [config] * workers, [1] * workers))
        return time.perf_counter() - started


def startup() -> float:
    """Return the seconds from the start of a process until it could train: everything imported, options parsed."""
    code = "import mer_di.evaluation.evaluate, mer_di.cli.train"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def spread(seconds: list[float]) -> dict[str, float]:
    """Return median and quartiles."""
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return {"median": statistics.median(seconds), "p25": low, "p75": high}


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 epoch")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.epochs = 2, 1
    model = ModelConfig(backbone=given.backbone, size=given.size, weights="random")
    config = TrainConfig(model=model, batch_size=given.batch_size, epochs=given.epochs)
    before = machine()

    torch.set_num_threads(1)
    bare_steps(config)
    bare, ours = [], []
    for _ in range(given.rounds):
        bare.append(bare_steps(config))
        ours.append(trainer(config))
    images = 2 * config.epochs * BATCHES * config.batch_size
    paired = [floor / whole for floor, whole in zip(bare, ours, strict=True)]

    cores = processors()
    together, threaded = [], []
    for _ in range(given.rounds):
        together.append(folds_at_a_time(config, cores))
        threaded.append(cores * steps_with_threads(config, cores))
    torch.set_num_threads(1)
    starts = [startup() for _ in range(given.rounds)]

    gain = statistics.median(threaded) / statistics.median(together)
    results: dict[str, Any] = {
        "bare_step": {"seconds": spread(bare), "images_per_s": images / statistics.median(bare)},
        "train_model": {"seconds": spread(ours), "images_per_s": images / statistics.median(ours)},
        "trainer_over_bare_step": spread(paired),
        "folds_at_a_time": {
            "folds": cores,
            "one_thread_a_fold": spread(together),
            "one_fold_after_another_with_all_threads": spread(threaded),
            "gain": gain,
        },
        "startup": spread(starts),
    }
    print(f"bare step      {results['bare_step']['images_per_s']:8.1f} images/s")
    print(f"train_model    {results['train_model']['images_per_s']:8.1f} images/s")
    print(f"of the floor   {statistics.median(paired):8.3f}")
    print(f"{cores} folds at a time, one thread each: {gain:.2f} times as fast as one fold on all threads")
    print(f"start-up       {statistics.median(starts):8.1f} s")
    setting = {"backbone": given.backbone, "size": given.size, "batch_size": given.batch_size, "epochs": given.epochs}
    keep("training", {**before, "torch": torch.__version__}, {**setting, "results": results})


if __name__ == "__main__":
    main()
