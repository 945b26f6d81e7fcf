"""Files of earlier versions open in this one, by every command that reads, to the same values."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from mer_di.cache import DI_STREAMS, KEY_FRAMES, TABLE_DIGEST, Entry, Provenance, Rows, open_cache, write_cache
from mer_di.cli import root
from mer_di.evaluation.run import Run
from mer_di.torch_dataset import DynamicImageDataset

FROZEN = Path(__file__).parents[1] / "frozen"
CACHES = ("cache-1.h5", "cache-1-chunked.h5")
IMAGES = {  # the beginning of their sha256, alike in both caches
    "di/onset": "07babd6abc525f64",
    "di/offset": "4284a994684fe0b6",
    "di/full": "206fad4f895ebfd2",
    "frames/onset": "1d52963412b12727",
    "frames/apex": "0d9de3f81b20f9c1",
    "frames/offset": "5be7e3211c25756a",
}


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def frozen(tmp_path):
    """A copy: a report is written beside what it is about."""
    return shutil.copytree(FROZEN, tmp_path / "frozen")


@pytest.mark.parametrize("name", CACHES)
def test_a_cache_holds_what_it_held(name):
    with open_cache(FROZEN / name) as cache:
        assert cache.column("sample_id").tolist() == [
            "S01/S01-01-001",
            "S01/S01-02-001",
            "S02/S02-01-001",
            "S02/S02-02-001",
        ]
        assert cache.column("emotion").tolist() == ["happiness", "surprise"] * 2
        assert cache.column("label").tolist() == [0, 1, 0, 1]
        assert cache.classes == ["happiness", "surprise"]
        assert cache.column("action_units").tolist() == ["AU12", ""] * 2
        assert cache.column("apex").tolist() == [10, 17, 18, 16]
        assert cache.lengths("onset").tolist() == [10, 17, 18, 16]
        assert cache.lengths("offset").tolist() == [16, 23, 26, 12]
        assert cache.lengths("full").tolist() == [25, 39, 43, 27]
        assert list(cache.dropped) == ["S01/without_apex"]
        assert (cache.recipe.scheme, cache.recipe.size, cache.recipe.align) == ("arp", 8, "none")
        read = {f"di/{name}": cache.images(name)[:] for name in DI_STREAMS}
        read |= {f"frames/{name}": cache.key_frames(name)[:] for name in KEY_FRAMES}
    assert {name: hashlib.sha256(pixels.tobytes()).hexdigest()[:16] for name, pixels in read.items()} == IMAGES


def test_what_came_later_leaves_no_trace_in_a_cache_without_it(tmp_path):
    path, again = FROZEN / "cache-1.h5", tmp_path / "again.h5"
    with open_cache(path) as cache:
        said, rows = cache.attributes, Rows.of(path)
        clips = [
            (Entry({"objective_class": ""} | sample, sample["fps"]), rows.read(index, sample["sample_id"]))
            for index, sample in enumerate(cache.rows("samples"))
        ]
        provenance = Provenance(
            *(said[name] for name in ("dataset", "annotation_sha256", "annotation_version")),
            cache.recipe,
            said["min_class_size"],
            cache.corrections,
        )
        write_cache(again, provenance, clips, cache.dropped)
    with h5py.File(path) as before, h5py.File(again) as now:
        later = {**now.attrs}
        del later[TABLE_DIGEST]
        assert later | {"mer_di_version": said["mer_di_version"]} == {**before.attrs}
        for table in ("di", "frames", "samples", "dropped", "corrections"):
            assert {*now[table]} - {"objective_class"} == {*before[table]}
        assert list(now) == list(before)
        assert now["samples/row_digest"][:].tolist() == before["samples/row_digest"][:].tolist()


@pytest.mark.parametrize("name", CACHES)
def test_every_command_reads_a_cache(frozen, name, tmp_path):
    cache = frozen / name
    found = json.loads(run("info", cache, "--json").stdout)
    assert (found["samples"], found["classes"]) == (4, {"happiness": 2, "surprise": 2})
    verified = json.loads(run("verify", cache, "--json").stdout)
    assert verified["departures"] == []
    without_digest = [said.split()[0] for said in verified["unchecked"]]
    assert without_digest == (["rows", "its"] if name == "cache-1-chunked.h5" else ["its"])
    assert run("diff", cache, frozen / "cache-1.h5").stdout.startswith("equal")
    assert run("show", cache, "--out", tmp_path / "s.png").exit_code == 0
    assert run("export", cache, "--out", tmp_path / "x", "--as", "npy").exit_code == 0
    assert np.load(tmp_path / "x" / "onset" / "S01%2FS01-01-001.npy")[3, 4, 0] == np.float32(15.679267)
    assert run("report", cache, "--out", tmp_path / "cache.html").exit_code == 0
    folds = run("train", cache, "--list-folds", "--validation", "none").stdout
    assert "S01" in folds
    assert "S02" in folds
    images, label = DynamicImageDataset(cache, ("onset", "offset"))[1]
    assert (images.shape, int(label)) == ((2, 3, 8, 8), 1)


def test_a_run_holds_what_it_held(frozen, tmp_path):
    kept = Run(frozen / "run")
    assert (kept.results()["accuracy"], kept.results()["uf1"], kept.config()["streams"]) == (0.5, 0.5, ["onset"])
    predictions = kept.predictions()
    assert predictions.correct.tolist() == [True, False, False, True]
    assert predictions.probabilities[0].tolist() == [1.0, 1.1405655914936827e-24]
    assert run("report", frozen / "run", "--out", tmp_path / "run.html").exit_code == 0
    assert "S01/S01-02-001" in (tmp_path / "run.html").read_text(encoding="utf-8")  # a picture, found by its digest
    compared = json.loads(run("compare", frozen / "run", frozen / "run", "--json").stdout)
    assert (compared["n"], compared["n_subjects"]) == (4, 2)


def test_a_model_says_what_it_said(tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes(gzip.decompress((FROZEN / "model.safetensors.gz").read_bytes()))
    for number in range(1, 10):
        frame = np.full((16, 16, 3), 60, np.uint8)
        frame[4:12, 3 : 4 + number] = (200, 150, 20 * number)
        assert cv2.imwrite(str(tmp_path / f"img{number}.png"), frame)
    keys = ("--onset", 1, "--apex", 4, "--offset", 9)
    (found,) = json.loads(run("predict", model, tmp_path, *keys, "--device", "cpu", "--json").stdout)
    assert found["probabilities"] == pytest.approx({"happiness": 0.387265, "surprise": 0.612735}, abs=1e-3)
