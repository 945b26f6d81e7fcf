import numpy as np
import pytest

from mer_di.synthetic import database


@pytest.fixture
def sketched(monkeypatch):
    """Noise instead of faces, for tests that look at names and numbers only."""

    def film(take, positions):
        rng = np.random.default_rng(take.noise_seed)
        for _ in positions:
            yield rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)

    monkeypatch.setattr(database, "film", film)
