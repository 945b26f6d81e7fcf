import base64
import hashlib
import json
import subprocess
import sys
from io import BytesIO

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from html_page import Page
from PIL import Image
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.cli.report import command
from mer_di.errors import CacheError
from mer_di.rank_pooling import phase_weights
from mer_di.recipe import Recipe
from mer_di.report import write_cache_report
from mer_di.report.encoding import LEVELS, colour_limit, diverging, signed_picture, signed_thumbnail
from mer_di.report.gallery import ROOM, make_cards
from mer_di.report.timeline import HEIGHT, MARGIN, WIDTH, sample_weights, timeline

HOSTILE = "</script><script>alert('x')</script>&\"<b>"


def decoded(uri):
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    path = write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5", subjects=["s1", "s2", HOSTILE], size=24)
    with h5py.File(path, "a") as file:
        for name, value in (("sample_id", "s9/lost"), ("reason", "frame-gap: frame <7> of 9 is missing")):
            del file[f"dropped/{name}"]
            file[f"dropped/{name}"] = np.array([value], dtype=h5py.string_dtype())
    return path


@pytest.fixture(scope="module")
def page(cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "page.html"
    write_cache_report(cache, out)
    return Page(out)


def test_a_page_needs_nothing_but_itself(page):
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "data:," in page.addresses
    (policy,) = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    (script,) = page.scripts
    assert policy.startswith("default-src 'none'")
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy


def test_names_are_shown_and_never_run(page):
    assert len(page.scripts) == 1
    assert HOSTILE in page.text
    assert any(attrs.get("data-subject") == HOSTILE for _, attrs in page.tags)
    assert "alert" not in page.scripts[0]


def test_every_sample_is_there_kept_or_dropped_with_its_reason(page, cache):
    with open_cache(cache) as opened:
        ids = opened.column("sample_id").tolist()
    assert [attrs["data-id"] for tag, attrs in page.tags if tag == "article"] == ids
    assert page.count("tr") == 1 + 1 + len(ids)
    assert "frame-gap" in page.text
    assert "frame <7> of 9 is missing" in page.text
    assert "9 samples kept, 1 dropped: 1 frame-gap." in page.text


def test_origin_is_told(page, cache):
    with open_cache(cache) as opened:
        assert str(opened.attributes["annotation_sha256"]) in page.text
        assert str(opened.attributes["recipe_sha256"]) in page.text
    assert "α(t) = 2t − T − 1" in page.text


def test_raw_sums_come_back_from_the_page(page, cache):
    samples = [json.loads(text) for text in page.data][:-1]
    with open_cache(cache) as opened:
        for row, sample in enumerate(samples):
            for stream, picture in sample["images"].items():
                raw = opened.images(stream)[row]
                code = decoded(picture["source"]).astype(float) - 128
                step = picture["peak"] / LEVELS
                assert picture["peak"] == np.abs(raw).max()
                assert np.abs(code * step - raw).max() <= step * (0.51 + picture["worst"])
    assert len(samples) == 9


def test_a_picture_takes_no_more_room_than_it_is_given_and_tells_its_error():
    rng = np.random.default_rng(0)
    image = rng.normal(0, 5, (96, 96, 3)).astype(np.float32)
    exact = signed_picture(image, 10.0, 10**6)
    assert (exact.worst, exact.typical) == (0, 0)
    small = signed_picture(image, 10.0, 6000)
    assert len(base64.b64decode(small.source.partition(",")[2])) <= 6000
    error = decoded(small.source).astype(float) - decoded(exact.source)
    assert small.worst == np.abs(error).max() > 0
    assert small.typical == pytest.approx(np.sqrt(np.mean(error**2)))


def test_no_motion_is_white_and_signs_are_told_apart():
    assert colour_limit(np.zeros((8, 8, 3), np.float32)) == 1
    speck = np.zeros((32, 32, 3), np.float32)
    speck[3, 3] = -7
    assert colour_limit(speck) == 7
    assert (decoded(signed_thumbnail(np.zeros((8, 8, 3), np.float32), 1.0)) >= 244).all()
    below, zero, above, beyond = diverging(np.array([-2.0, 0.0, 2.0, 9.0]), 2.0).astype(int)
    assert below[2] > below[0] + 50
    assert above[0] > above[2] + 50
    assert np.ptp(zero) <= 2
    assert (beyond == above).all()


@pytest.mark.parametrize("apex_in", ["both", "onset", "offset"])
def test_the_timeline_draws_the_weights_of_the_recipe(apex_in):
    sample = {"onset": 11, "apex": 14, "offset": 20}
    recipe = Recipe(align="none", aspect="stretch", apex_in=apex_in)
    weights, rising, fading = sample_weights(sample, recipe)
    np.testing.assert_array_equal(weights, phase_weights(10, rising, fading))
    line = timeline(sample, weights, rising, fading)
    points = [tuple(map(float, point.split(","))) for point in line.lines["full"].split()]
    assert len(points) == 10
    assert points[0] == (MARGIN, HEIGHT - MARGIN)
    assert points[-1] == (WIDTH - MARGIN, MARGIN)
    assert len(line.lines["onset"].split()) == len(rising)
    assert len(line.lines["offset"].split()) == len(fading)
    assert line.apex_x == pytest.approx(MARGIN + 3 / 9 * (WIDTH - 2 * MARGIN))
    assert line.largest == 9


def test_energy_is_in_grey_levels_whatever_the_length(cache):
    with open_cache(cache) as opened:
        (card,) = make_cards(opened, [0], 10**6)
        images = [
            opened.images(name)[0] / np.abs(phase_weights(9, range(5), range(4, 9))[0]).sum() * 2
            for name in ("onset", "offset")
        ]
    assert card.energy == pytest.approx(np.sqrt(np.mean(np.square(images))), rel=1e-5)


def test_300_samples_of_224_pixels_stay_below_60_megabytes(tmp_path):
    path = write_tiny_cache(
        tmp_path / "noisy.h5", subjects=2, clips=3, size=224
    )  # noise of 10 raw units on a change of 120
    with open_cache(path) as opened:
        cards = make_cards(opened, range(6), ROOM / 300)
    for card in cards:
        pictures = [*card.frames.values(), *card.images.values(), json.dumps(card.full)]
        markup = 8000  # the rest of a card and its row in the table
        assert 300 * (sum(map(len, pictures)) + markup) < 59e6


def test_a_cache_without_a_sample_has_no_page(tmp_path):
    path = write_tiny_cache(tmp_path / "empty.h5", subjects=1)
    with h5py.File(path, "a") as file:
        for name in list(file["samples"]):
            del file[f"samples/{name}"]
            file[f"samples/{name}"] = np.zeros(0)
    with pytest.raises(CacheError, match="holds no sample"):
        write_cache_report(path, tmp_path / "empty.html")


@pytest.mark.parametrize(("dataset", "version"), [("synthetic", "1"), ("casme2", "synthetic")])
def test_synthetic_data_is_labelled(tmp_path, page, dataset, version):
    path = write_tiny_cache(tmp_path / "s.h5", subjects=1, dataset=dataset)
    with h5py.File(path, "a") as file:
        file.attrs["annotation_version"] = version
    write_cache_report(path, tmp_path / "s.html")
    assert "Synthetic data." in Page(tmp_path / "s.html").text
    assert "Synthetic data." not in page.text


def test_figures_take_the_pages_colours_and_keep_their_words(page):
    drawings = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("class") == "figure"]
    assert len(drawings) == 3
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
    assert "disgust 3, happiness 3, surprise 3" in drawings[0]["aria-label"]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_the_command_writes_beside_the_cache_and_refuses_what_is_none(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5", subjects=1)
    done = CliRunner().invoke(command, [str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.startswith(str(tmp_path / "c.html"))
    assert Page(tmp_path / "c.html").count("article") == 3
    (tmp_path / "no.h5").write_text("text")
    with pytest.raises(CacheError, match="HDF5"):
        write_cache_report(tmp_path / "no.h5", tmp_path / "no.html")
    assert not (tmp_path / "no.html").exists()


def test_a_missing_package_is_named_with_its_remedy():
    code = "import sys; sys.modules['jinja2'] = None; from mer_di.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "report", __file__], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "jinja2: pip install 'mer_di[report]'" in done.stderr


def test_the_room_is_free_of_torch():
    code = "import mer_di.report, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
