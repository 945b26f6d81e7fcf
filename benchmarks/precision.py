"""Training in bfloat16 over training in float32: images a second of `train_model`, a backbone at a time.

    python benchmarks/precision.py [--quick] [--backbones resnet18 convnext] [--size 224] [--batch-size 8]
    python benchmarks/precision.py --device cuda      # folds at a time on one card as well: 1, 2, 4, 8

The same noise is trained on in both precisions, in alternating rounds, on one thread; every training builds its
network. A round gives a ratio, and the table has the ratios' median and quartiles. Folds at a time are processes with
a training each, which start together. The figures go to ``benchmarks/results/<date>-precision[-cuda].json``.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import torch
from machine import keep, machine
from training import N_CLASSES, spread

from mer_di.learning.model_config import ModelConfig
from mer_di.learning.precision import computes_bfloat16
from mer_di.learning.train import train_model
from mer_di.learning.train_config import Precision, TrainConfig
from mer_di.torch_dataset import LabelledImages

BACKBONES = ("efficientnetv2", "resnet18", "convnext", "mobilevit", "tf_efficientnet_lite0")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
ON_ONE_CARD = (1, 2, 4, 8)


def configured(backbone: str, precision: Precision, given: argparse.Namespace) -> TrainConfig:
    """Return the configuration of one training."""
    model = ModelConfig(backbone=backbone, size=given.size, weights="random")
    return TrainConfig(model=model, batch_size=given.batch_size, epochs=given.epochs, precision=precision)


def seconds(config: TrainConfig, batches: int, device: str) -> float:
    """Return how long a training of some batches an epoch takes; the task of a worker."""
    side, count = config.model.input_size, batches * config.batch_size
    images = torch.randn(count, 2, 3, side, side, generator=torch.Generator().manual_seed(0))
    training = LabelledImages(images, torch.arange(count) % N_CLASSES)
    started = time.perf_counter()
    train_model(training, None, N_CLASSES, config, seed=0, device=device)
    return time.perf_counter() - started


def in_both(backbone: str, given: argparse.Namespace) -> dict[str, object]:
    """Time both precisions in turn."""
    configs = {name: configured(backbone, name, given) for name in PRECISIONS}
    times: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    for turn in range(-1, given.rounds):  # the first warms up
        for name, config in configs.items():
            took = seconds(config, given.batches, given.device)
            if turn >= 0:
                times[name].append(took)
    ratios = [exact / rounded for exact, rounded in zip(*times.values(), strict=True)]
    images = 2 * given.epochs * given.batches * given.batch_size
    return {
        "backbone": backbone,
        "images_per_s": {name: spread([images / took for took in found]) for name, found in times.items()},
        "bfloat16_over_float32": spread(ratios),
    }


def folds_at_a_time(backbone: str, precision: Precision, folds: int, given: argparse.Namespace) -> dict[str, object]:
    """Time some trainings that run together on one device."""
    config = configured(backbone, precision, given)
    with ProcessPoolExecutor(folds, mp_context=get_context("spawn")) as pool:
        together(pool, config, folds, given)  # imports, and the device's own start
        times = [together(pool, config, folds, given) for _ in range(given.rounds)]
    images = 2 * given.epochs * given.batches * given.batch_size * folds
    return {
        "backbone": backbone,
        "precision": precision,
        "folds": folds,
        "images_per_s": spread([images / took for took in times]),
    }


def together(pool: Executor, config: TrainConfig, folds: int, given: argparse.Namespace) -> float:
    """Return the seconds until all of some trainings are done."""
    started = time.perf_counter()
    list(pool.map(seconds, [config] * folds, [given.batches] * folds, [given.device] * folds))
    return time.perf_counter() - started


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--batches", type=int, default=4, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folds", type=int, nargs="*", help="at a time; default: 1 2 4 8 on a GPU, else none")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 batches, of two backbones, at 64 pixels")
    given = parser.parse_args(arguments)
    device = torch.device(given.device)
    if given.folds is None:
        given.folds = ON_ONE_CARD if device.type == "cuda" else ()
    if given.quick:
        given.rounds, given.batches, given.size, given.backbones = 2, 2, 64, ["resnet18", "tf_efficientnet_lite0"]
    before = machine()
    torch.set_num_threads(1)
    records = []
    for backbone in given.backbones:
        records.append(in_both(backbone, given))
        print(records[-1], flush=True)
    shared = []
    for precision in PRECISIONS if given.folds else ():
        for folds in given.folds:
            shared.append(folds_at_a_time(given.backbones[0], precision, folds, given))
            print(shared[-1], flush=True)
    setting = {
        name: getattr(given, name) for name in ("size", "batch_size", "batches", "epochs", "rounds", "quick", "device")
    }
    if device.type == "cuda":
        setting["gpu"] = torch.cuda.get_device_name(device)
    found = {"computes_bfloat16": computes_bfloat16(device), "records": records, "folds_at_a_time": shared}
    kind = "precision" if device.type == "cpu" else f"precision-{device.type}"
    keep(kind, {**before, "torch": torch.__version__}, {**setting, **found})


if __name__ == "__main__":
    main()
