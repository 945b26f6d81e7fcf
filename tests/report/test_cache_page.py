"""The page of a cache, as a browser's parser sees it."""

import base64
import hashlib
import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from html_page import Page
from html_picture import decoded
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.cli.report import command
from mer_di.errors import CacheError, InputError
from mer_di.labels import read_scheme
from mer_di.report import write_cache_report
from mer_di.report.encoding import LEVELS

HOSTILE = "</script><script>alert('x')</script>&\"<b>"


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


def test_flow_is_shown_and_explained_where_the_cache_has_it(page, tmp_path):
    write_cache_report(write_tiny_cache(tmp_path / "flow.h5", flow="tvl1"), tmp_path / "flow.html")
    text = (tmp_path / "flow.html").read_text(encoding="utf-8")
    for words in ("Flow, onset", "Flow, offset", "Flow: hue is the direction", "Of both phases, by TV-L1"):
        assert words in text
    assert not any("Flow" in attrs.get("alt", "") for _, attrs in page.tags)


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


def test_spotted_apexes_say_how_sure_they_are(tmp_path):
    path = write_tiny_cache(tmp_path / "spotted.h5", subjects=1, apex_policy="spot")
    write_cache_report(path, tmp_path / "page.html")
    text = Page(tmp_path / "page.html").text
    assert "3 spotted, confidence 0.75 to 0.75, median 0.75" in text
    assert "apex: spotted, confidence 0.75" in text


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


def test_a_cache_without_a_sample_has_no_page(tmp_path):
    path = write_tiny_cache(tmp_path / "empty.h5", subjects=0)
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


def test_a_page_without_frames_holds_no_pixel_of_them(cache, tmp_path):
    for name, arguments in (("with", []), ("without", ["--no-frames"])):
        done = CliRunner().invoke(command, [str(cache), "--out", str(tmp_path / f"{name}.html"), *arguments])
        assert done.exit_code == 0
    shown, left_out = Page(tmp_path / "with.html"), Page(tmp_path / "without.html")
    assert json.loads(shown.data[0])["frames"].keys() == {"onset", "apex", "offset"}
    assert all(json.loads(text)["frames"] == {} for text in left_out.data[:-1])
    pictures = [attrs for tag, attrs in left_out.tags if tag == "img"]
    assert len(pictures) == 3 * 9
    assert all("DI" in attrs["alt"] for attrs in pictures)


def test_a_cache_that_was_built_without_frames_has_a_page(cache, tmp_path):
    import shutil

    bare = shutil.copy(cache, tmp_path / "bare.h5")
    with h5py.File(bare, "a") as file:
        del file["frames"]
    write_cache_report(bare, tmp_path / "bare.html")
    assert Page(tmp_path / "bare.html").count("article") == 9


def test_a_name_that_a_page_cannot_have_is_refused_before_the_work(cache, tmp_path):
    for name in ("", "no/page.html"):
        with pytest.raises(InputError):
            write_cache_report(cache, tmp_path / name)
    before = cache.read_bytes()
    with pytest.raises(InputError, match="is read for this"):
        write_cache_report(cache, cache)
    assert cache.read_bytes() == before


def test_a_label_scheme_makes_the_classes_of_the_page_and_says_what_it_leaves_out(tmp_path):
    emotions = ("disgust", "others", "repression")
    path = write_tiny_cache(tmp_path / "tiny.h5", dataset="casme2", subjects=2, emotions=emotions, size=8)
    result = CliRunner().invoke(command, [str(path), "--labels", "megc2019"], catch_exceptions=False)
    assert result.exit_code == 0
    page = Page(path.with_suffix(".html"))
    assert f"megc2019: {read_scheme('megc2019').title}" in page.text
    assert read_scheme("megc2019").sha256 in page.text
    assert "2 samples: 2 emotion 'others'" in page.text
    cards = [attrs for tag, attrs in page.tags if tag == "article"]
    assert [(card["data-id"], card["data-class"]) for card in cards] == [
        (f"s0{subject}/c{clip}", "negative") for subject in (1, 2) for clip in (0, 2)
    ]


def test_a_run_takes_no_other_classes_than_its_own(tmp_path):
    result = CliRunner().invoke(command, [str(tmp_path), "--labels", "megc2019"])
    assert (result.exit_code, "a run has the classes that it was trained on" in result.stderr) == (2, True)
