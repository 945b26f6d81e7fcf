import pytest
from tiny_cache import write_tiny_cache
from tiny_run import run


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5")


@pytest.fixture(scope="session")
def finished(cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, run(cache, out)
