"""A run in one precision: decided once, kept by processes, seeds and resumed runs, and by what is saved."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_cache import write_tiny_cache

import mer_di.evaluation.evaluate
import mer_di.evaluation.fold
from mer_di.cli.train import command
from mer_di.errors import RunError
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.evaluation.run import Run
from mer_di.executors import local
from mer_di.learning import precision_trial
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.saved_model import load_model, save_model
from mer_di.learning.train import predict_probabilities
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import DynamicImageDataset

MODEL = ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16)
CONFIG = TrainConfig(model=MODEL, epochs=2, precision="bfloat16")
AUTO = replace(CONFIG, precision="auto")
FOLDS = 4


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5")


@pytest.fixture(scope="module")
def rounded(cache, tmp_path_factory):
    """A run in bfloat16."""
    out = tmp_path_factory.mktemp("runs") / "rounded"
    return out, run(cache, out)


@pytest.fixture
def trials(monkeypatch):
    """Let every run be tried, with bfloat16 as the faster one, and count."""
    tried = []

    def timed(*given):
        tried.append(given)
        return {"float32": [0.2], "bfloat16": [0.1]}

    monkeypatch.setattr(precision_trial, "WORTH_A_TRIAL", 1)
    monkeypatch.setattr(precision_trial, "computes_bfloat16", lambda _device: True)
    monkeypatch.setattr(precision_trial, "_timed_steps", timed)
    return tried


def run(cache, out, config=CONFIG, **options):
    return evaluate([cache], out, config, **{"validation": "none", "device": "cpu"} | options)


def predictions(out):
    return (out / "predictions.csv").read_bytes()


def test_a_precision_is_part_of_a_runs_identity_and_of_its_results(rounded, cache, tmp_path):
    out, results = rounded
    assert json.loads((out / "config.json").read_text())["precision"] == "bfloat16"
    assert results.precision == {"asked": "bfloat16", "used": "bfloat16", "reason": "asked for", "seconds": None}
    assert json.loads((out / "results.json").read_text())["precision"] == results.precision
    with pytest.raises(RunError, match=r'precision: "float32" \| "bfloat16"'):
        run(cache, out, replace(CONFIG, precision="float32"))
    run(cache, tmp_path / "exact", replace(CONFIG, precision="float32"))
    assert predictions(tmp_path / "exact") != predictions(out)


def test_processes_give_the_same_bits(rounded, cache, tmp_path):
    with local("processes", 2) as executor:
        run(cache, tmp_path / "run", executor=executor)
    assert predictions(tmp_path / "run") == predictions(rounded[0])


def test_auto_is_decided_once_for_all_folds_and_seeds(rounded, cache, tmp_path, trials):
    out = tmp_path / "run"
    results = run(cache, out, AUTO, seeds=[0, 1])
    assert len(trials) == 1
    assert (results.precision["used"], results.precision["seconds"]) == ("bfloat16", {"float32": 0.2, "bfloat16": 0.1})
    assert predictions(out) == predictions(rounded[0])
    for folder in (out, out / "seed-1"):
        assert json.loads((folder / "config.json").read_text())["precision"] == "auto"
        assert Run(folder).precision() == results.precision
    run(cache, out, AUTO, seeds=[0, 1, 2])
    assert len(trials) == 1
    assert Run(out / "seed-2").precision() == results.precision


def test_a_killed_run_is_resumed_as_it_was_begun(rounded, cache, tmp_path, trials, monkeypatch):
    train, calls = mer_di.evaluation.fold.train_model, []

    def killed(*given, **options):
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train(*given, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", killed)
    with pytest.raises(KeyboardInterrupt):
        run(cache, tmp_path / "run", AUTO)
    monkeypatch.setattr(precision_trial, "_timed_steps", lambda *_: {"float32": [0.1], "bfloat16": [0.2]})
    run(cache, tmp_path / "run", AUTO)
    assert predictions(tmp_path / "run") == predictions(rounded[0])
    assert len(trials) == 1


def test_what_was_decided_before_any_fold_was_finished_is_decided_anew(cache, tmp_path, trials, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mer_di.evaluation.fold, "train_model", killed)
        with pytest.raises(KeyboardInterrupt):
            run(cache, tmp_path / "run", AUTO)
    assert run(cache, tmp_path / "run", replace(CONFIG, precision="float32")).precision["used"] == "float32"
    assert len(trials) == 1


def test_a_run_that_lost_its_decision_is_not_mixed(cache, tmp_path, trials):
    out = tmp_path / "run"
    run(cache, out, AUTO)
    (out / "precision.json").unlink()
    with pytest.raises(RunError, match=r"precision\.json is absent"):
        run(cache, out, AUTO)


def test_a_run_of_before_is_resumed_in_float32_and_in_nothing_else(cache, tmp_path):
    exact, old = tmp_path / "exact", tmp_path / "old"
    config = replace(CONFIG, precision="float32")
    run(cache, exact, config)
    shutil.copytree(exact, old)
    (old / "precision.json").unlink()
    (old / "folds" / "s03.json").unlink()
    identity = json.loads((old / "config.json").read_text())
    del identity["precision"]
    (old / "config.json").write_text(json.dumps(identity))
    with pytest.raises(RunError, match=r'precision: "auto" \| "float32"'):
        run(cache, old, AUTO)
    assert run(cache, old, config).precision["used"] == "float32"
    assert predictions(old) == predictions(exact)


def test_a_network_of_a_run_predicts_what_the_run_said(cache, tmp_path, trials):
    out = tmp_path / "run"
    run(cache, out, AUTO, save_networks=True)
    saved, rows = load_model(Run(out).network("s02.json")), np.arange(3, 6)
    assert saved.config.precision == "bfloat16"
    images = DynamicImageDataset(cache, size=16).load().subset(rows).images
    assert np.array_equal(predict_probabilities(saved.network, images), Run(out).predictions().probabilities[rows])


def test_a_network_of_everyone_knows_its_precision(cache, tmp_path, trials):
    save_model(train_on_everyone([cache], AUTO, validation="none", device="cpu"), tmp_path / "model")
    assert load_model(tmp_path / "model").config.precision == "bfloat16"


def test_the_command_saves_the_network_of_the_precision_that_was_tested(cache, tmp_path, trials):
    small = ["--backbone", "test_resnet", "--no-pretrained", "--fusion", "concat", "--size", "16", "--epochs", "1"]
    small += ["--validation", "none", "--device", "cpu", "--jobs", "1", "--save-model", str(tmp_path / "model")]
    small += ["--precision", "auto"]
    result = CliRunner().invoke(command, [str(cache), "--out", str(tmp_path / "run"), *small], catch_exceptions=False)
    assert result.exit_code == 0
    assert len(trials) == 1
    assert load_model(tmp_path / "model").config.precision == Run(tmp_path / "run").precision()["used"] == "bfloat16"
