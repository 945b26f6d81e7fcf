"""Databases on disk: the same whoever draws them, and whole or not there."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from drawn_files import jpegs, read_csv

from mer_di.errors import DatasetNotFoundError, InputError
from mer_di.synthetic import database, default_database, draw_clip, write_database


def digests(root):
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in jpegs(root)}


def test_a_clip_does_not_depend_on_how_much_else_is_drawn(tmp_path):
    small = write_database(tmp_path / "small", subjects=1)
    large = write_database(tmp_path / "large", subjects=2)
    one, both = digests(small), digests(large)
    assert one.items() < both.items()
    truth = read_csv(small / "ground_truth.csv")
    assert truth == read_csv(large / "ground_truth.csv")[: len(truth)]
    row = next(row for row in truth if row["emotion"] == "surprise")
    clip = draw_clip("surprise")
    onset = cv2.imread(str(small / row["folder"] / f"{row['onset']}.jpg"))[..., ::-1]
    assert np.abs(onset.astype(int) - clip.frames[clip.onset]).mean() < 3, "JPEG, in the right colours"


def test_two_seeds_draw_two_databases_and_one_seed_one(tmp_path, sketched):
    roots = [write_database(tmp_path / str(i), subjects=1, seed=seed) for i, seed in enumerate((7, 7, 8))]
    everything = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()} for root in roots
    ]
    assert everything[0] == everything[1], "tables included, to the byte"
    assert everything[0] != everything[2]


def test_progress_counts_the_clips(tmp_path, sketched):
    seen = []
    write_database(tmp_path / "db", subjects=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 21), (14, 21), (21, 21)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"layout": "casme4"}, "layout is 'casme4'"),
        ({"layout": "casme2", "tree": "video"}, "no frame tree 'video'; expected cropped, selected, raw"),
        ({"tree": "raw"}, "mmew has no frame tree 'raw'"),
        ({"subjects": 0}, "subjects is 0; expected 1..99"),
        ({"layout": "samm", "subjects": 95}, "subjects is 95; expected 1..91"),
        ({"clips_per_emotion": 0}, "clips_per_emotion is 0"),
        ({"clips_per_emotion": 100}, "clips_per_emotion is 100"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"subjects": 3, "messy": True}, "needs 28 clips or more, of which 14 are spoiled; 21 were asked for"),
        ({"layout": "casme2", "subjects": 1, "clips_per_emotion": 4, "messy": True}, "expected 2 subjects or more"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, sketched, arguments, said):
    with pytest.raises(InputError, match=re.escape(said)):
        write_database(tmp_path / "db", **arguments)
    assert not (tmp_path / "db").exists()


def test_an_existing_folder_is_not_written_into(tmp_path, sketched):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "empty").mkdir()
    for name in ("full", "full/mine.txt"):
        with pytest.raises(InputError, match="not an empty folder"):
            write_database(tmp_path / name, subjects=1)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    write_database(tmp_path / "empty", subjects=1)


@pytest.fixture
def cache(tmp_path, monkeypatch, sketched):
    place = tmp_path / "cache" / "mer_di"
    monkeypatch.setattr(database.platformdirs, "user_cache_path", lambda *_, **__: place)
    monkeypatch.setitem(database._DEFAULT, "subjects", 2)
    return place


def test_the_default_is_drawn_once_whoever_asks(cache, monkeypatch):
    with ThreadPoolExecutor(3) as pool:
        roots = set(pool.map(lambda _: default_database(), range(3)))
    (root,) = roots
    assert [path.name for path in cache.iterdir()] == [root.name], "nothing is left beside it"
    assert (root / "MMEW_Micro_Exp.xlsx").is_file()
    assert len(read_csv(root / "ground_truth.csv")) == 14
    monkeypatch.setattr(database, "film", None)
    assert default_database() == root
    monkeypatch.setitem(database._DEFAULT, "seed", 1)
    with pytest.raises(TypeError):
        default_database()


def test_an_interrupted_default_leaves_nothing(cache, monkeypatch):
    def film(take, positions):
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "film", film)
    with pytest.raises(KeyboardInterrupt):
        default_database()
    assert list(cache.iterdir()) == []


def test_a_default_that_cannot_be_stored_says_what_to_do(cache):
    cache.parent.write_text("a file where a folder should be")
    with pytest.raises(DatasetNotFoundError, match=r"cannot be drawn into .*name it with --root"):
        default_database()
