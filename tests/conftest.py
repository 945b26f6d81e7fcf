"""A database small enough to compute by hand, a manifest of lossless little frames, and its cache."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings
from tiny_build import load, plain

from mer_di.building.build import build_cache
from mer_di.cache import open_cache

settings.register_profile("project", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("project")

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"
COLUMNS = ("subject", "clip", "path", "onset", "apex", "offset", "emotion")


@pytest.fixture(scope="session")
def media():
    if not MEDIA.is_dir():
        pytest.skip("the real faces (shared/media beside the project) are absent")
    return MEDIA


@dataclass
class TinyDatabase:
    """Rows of a manifest and the frames that belong to them."""

    table: Path
    rows: list[dict]
    frames: dict[str, np.ndarray]  # sample id -> (T, H, W, 3) uint8, RGB, from frame number 1

    def write_table(self, further=()):
        with self.table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, (*COLUMNS, *further))
            writer.writeheader()
            writer.writerows(self.rows)

    def add(self, subject, clip, *, onset, apex, offset, emotion, shape=(24, 30), seed=0):
        folder = self.table.parent / subject / clip
        folder.mkdir(parents=True)
        rng = np.random.default_rng([seed, *f"{subject}/{clip}".encode()])
        last = max(n for n in (onset, offset) if isinstance(n, int))
        frames = rng.integers(0, 256, (last, *shape, 3), dtype=np.uint8)
        for number, frame in enumerate(frames, start=1):
            assert cv2.imwrite(str(folder / f"img{number}.png"), frame[..., ::-1])
        self.rows.append(
            {
                "subject": subject,
                "clip": clip,
                "path": f"{subject}/{clip}",
                "onset": onset,
                "apex": apex,
                "offset": offset,
                "emotion": emotion,
            }
        )
        self.frames[f"{subject}/{clip}"] = frames
        return folder


@pytest.fixture
def empty_database(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    return TinyDatabase(folder / "manifest.csv", [], {})


@pytest.fixture
def tiny(empty_database):
    """Three subjects, six good clips of two emotions and different lengths and sizes."""
    lengths = {"a": (2, 5, 9), "b": (1, 3, 6)}
    for subject in ("s1", "s2", "s3"):
        for clip, (onset, apex, offset) in lengths.items():
            emotion = "happiness" if clip == "a" else "surprise"
            shape = (24, 30 + 2 * int(subject[1]))
            empty_database.add(subject, clip, onset=onset, apex=apex, offset=offset, emotion=emotion, shape=shape)
    empty_database.write_table()
    return empty_database


@pytest.fixture
def cache_path(tiny, tmp_path):
    """The cache of the tiny database."""
    return build_cache(load(tiny), tmp_path / "tiny.h5", plain()).path


@pytest.fixture
def built(cache_path):
    """The same, open."""
    with open_cache(cache_path) as cache:
        yield cache


@pytest.fixture
def without_user_data(monkeypatch):
    monkeypatch.delenv("MER_DI_DATA", raising=False)
    return os.environ
