"""Evaluations of a tiny cache by a tiny network, and what they computed."""

import json

import mer_di.evaluation.evaluate
import mer_di.evaluation.fold
from mer_di.evaluation.evaluate import evaluate
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig

CONFIG = TrainConfig(model=ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16), epochs=2)


def run(cache, out, **options):
    """Evaluate a cache under a configuration that takes a second."""
    return evaluate([cache], out, CONFIG, **{"validation": "subjects:1", "device": "cpu"} | options)


def outcome(folder):
    """Everything that a run computed, without how long it took and where its caches lay."""
    results = json.loads((folder / "results.json").read_text())
    folds = {path.name: json.loads(path.read_text()) for path in (folder / "folds").iterdir()}
    timeless = [
        {k: v for k, v in record.items() if k not in ("seconds", "caches")} for record in (results, *folds.values())
    ]
    return (folder / "predictions.csv").read_bytes(), [*folds], timeless


def counted(monkeypatch):
    """Count trainings."""
    calls = []
    train = mer_di.evaluation.fold.train_model

    def spy(training, validation, *rest, **options):
        calls.append((training, validation))
        return train(training, validation, *rest, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", spy)
    return calls
