from dataclasses import replace

import pytest
import tiny_run
from tiny_cache import write_tiny_cache

from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.run import Run


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="session")
def cache(place):
    return write_tiny_cache(place / "tiny.h5", clips=4)


@pytest.fixture(scope="session")
def run(cache, place):
    """Two seeds, audited, with networks."""
    folder = place / "runs" / "tiny"
    tiny_run.run(cache, folder, seeds=(0, 1), audit=True, save_networks=True)
    return Run(folder)


@pytest.fixture(scope="session")
def other(cache, place):
    """Another learning rate, and nobody held out for validation."""
    folder = place / "runs" / "other"
    evaluate([cache], folder, replace(tiny_run.CONFIG, learning_rate=1e-2), validation="none", device="cpu")
    return Run(folder)
