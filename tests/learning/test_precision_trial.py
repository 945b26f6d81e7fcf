"""What ``auto`` becomes: tried where trying pays, and nothing of the trial is left."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from mer_di.learning import precision_trial
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.precision_trial import GAIN, ROUNDS, WORTH_A_TRIAL, choose_precision
from mer_di.learning.train import Steps
from mer_di.learning.train_config import TrainConfig

MODEL = ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16)
CONFIG = TrainConfig(model=MODEL, epochs=WORTH_A_TRIAL, batch_size=4, precision="auto")


def choose(config=CONFIG, **options):
    return choose_precision(config, 3, **{"samples": 4, "trainings": 1, "device": "cpu"} | options)


@pytest.fixture
def able(monkeypatch):
    monkeypatch.setattr(precision_trial, "computes_bfloat16", lambda _device: True)


@pytest.fixture
def untried(monkeypatch):
    monkeypatch.setattr(precision_trial, "_timed_steps", lambda *_: pytest.fail("it was tried"))


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_precision_that_is_named_is_taken_at_its_word(untried, name):
    found = choose(replace(CONFIG, precision=name))
    assert (found.asked, found.used, found.reason, found.seconds) == (name, name, "asked for", None)


def test_a_processor_without_the_arithmetic_is_not_tried(untried, monkeypatch):
    monkeypatch.setattr(precision_trial, "computes_bfloat16", lambda _device: False)
    found = choose()
    assert (found.used, found.seconds) == ("float32", None)
    assert "no arithmetic of bfloat16" in found.reason


def test_a_run_of_a_few_steps_is_not_tried(untried, able):
    found = choose(replace(CONFIG, epochs=WORTH_A_TRIAL // 4 - 1), samples=8, trainings=2)
    assert found.used == "float32"
    assert found.reason == "at most 96 steps; a trial pays from 100 on"


@pytest.mark.parametrize(("capability", "used"), [((8, 0), "bfloat16"), ((7, 0), "float32")])
def test_a_gpu_is_not_tried(untried, monkeypatch, capability, used):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    found = choose(device="cuda:0")
    assert (found.used, found.seconds) == (used, None)


@pytest.mark.parametrize(
    ("ratio", "used"), [(2.0, "bfloat16"), (GAIN + 0.01, "bfloat16"), (GAIN - 0.01, "float32"), (0.5, "float32")]
)
def test_the_median_decides_and_is_kept(monkeypatch, able, ratio, used):
    times = {"float32": [9.0, ratio, ratio], "bfloat16": [1.0, 0.1, 1.0]}
    monkeypatch.setattr(precision_trial, "_timed_steps", lambda *_: times)
    found = choose()
    assert (found.asked, found.used) == ("auto", used)
    assert found.seconds == {"float32": ratio, "bfloat16": 1.0}
    assert f"{ratio:.2f} times as fast" in found.reason


def test_a_trial_is_steps_of_the_runs_own_shapes_in_turn(monkeypatch, able):
    seen, take = [], Steps.take

    def spy(self, batch, precision):
        seen.append((precision, tuple(batch.images.shape)))
        return take(self, batch, precision)

    monkeypatch.setattr(Steps, "take", spy)
    for samples, batch in ((3, 3), (9, 4)):
        found = choose(samples=samples)
        assert min(found.seconds.values()) > 0
        shape = (batch, 2, 3, 16, 16)
        assert seen == [(name, shape) for _ in range(1 + ROUNDS) for name in ("float32", "bfloat16")]
        seen.clear()


def test_a_trial_leaves_the_process_as_it_was(able):
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    choose()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_trial_runs_where_folds_do(able):
    with ThreadPoolExecutor(1) as executor:
        assert choose(executor=executor).seconds is not None
        assert executor._work_queue.empty()
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            choose(executor=executor)
