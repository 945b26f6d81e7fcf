import json
import shutil

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from html_page import Page
from tiny_cache import write_tiny_cache

from mer_di.cli.compare import command as compare
from mer_di.cli.report import command as report
from mer_di.errors import RunError
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.run import Run
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig
from mer_di.report import write_comparison_report, write_run_report
from mer_di.report.caches import find_caches
from mer_di.report.paper import paper_number

DIANET = {"architecture": "dianet", "streams": ["onset", "offset"], "backbone": "efficientnetv2", "fusion": "cross"}


def config(**changes):
    model = {"backbone": "test_resnet", "weights": "random", "fusion": "concat", "size": 16}
    return TrainConfig(model=ModelConfig(**model), epochs=2, batch_size=8, **changes)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def cache(place):
    return write_tiny_cache(place / "tiny.h5", clips=4)


@pytest.fixture(scope="module")
def run(cache, place):
    """Two seeds, audited, with networks."""
    folder = place / "runs" / "tiny"
    options = {"validation": "subjects:1", "device": "cpu"}
    evaluate([cache], folder, config(), seeds=(0, 1), audit=True, save_networks=True, **options)
    return Run(folder)


@pytest.fixture(scope="module")
def other(cache, place):
    folder = place / "runs" / "shuffled"
    evaluate([cache], folder, config(learning_rate=1e-2), validation="none", device="cpu")
    return Run(folder)


@pytest.fixture(scope="module")
def page(run):
    write_run_report(run.folder, run.folder / "page.html")
    return Page(run.folder / "page.html")


def articles(page, kind):
    return [attrs for tag, attrs in page.tags if tag == "article" and attrs["class"] == kind]


def test_the_result_is_what_the_run_holds(page, run):
    results = run.results()
    low, high = results["intervals"]["accuracy"]
    assert f"{100 * results['accuracy']:.1f} %" in page.text
    assert f"95 % interval {100 * low:.1f} % to {100 * high:.1f} %" in page.text
    assert (
        f"{100 * results['seeds']['accuracy']['mean']:.1f} ± {100 * results['seeds']['accuracy']['sd']:.1f} %"
        in page.text
    )
    assert f"Inflation: {results['audit']['inflation_points']:.1f} points" in page.text
    assert "the paper has no number for this network on tiny" in page.text
    shown = [attrs["style"] for tag, attrs in page.tags if tag == "td" and "style" in attrs]
    confusion = np.array(results["confusion"])
    shares = confusion / confusion.sum(axis=1, keepdims=True)
    assert shown == [f"--share: {share:.3f}" for share in shares.ravel()]


def test_every_fold_has_a_curve(page, run):
    curves = [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg" and "loss" in attrs.get("aria-label", "")]
    assert len(curves) == 4
    assert all("smallest validation loss" in words for words in curves)


def test_the_misclassified_are_shown_the_most_certain_first(page, run):
    predictions = run.predictions()
    wrong = {str(name) for name in predictions.sample_ids[~predictions.correct]}
    cards = articles(page, "card")
    assert {card["data-id"] for card in cards} == wrong
    certainties = [float(card["data-certainty"]) for card in cards]
    assert certainties == sorted(certainties, reverse=True)
    by_id = dict(zip(predictions.sample_ids.tolist(), predictions.predicted.tolist(), strict=True))
    assert all(card["data-predicted"] == by_id[card["data-id"]] for card in cards)


def test_grad_cam_asks_the_network_that_tested_the_sample(run, place, page):
    assert articles(page, "card attention")
    others = [path for path in (run.folder / "folds").glob("*.safetensors") if path.stem != "s02"]
    kept = {path: path.read_bytes() for path in others}
    try:
        for path in others:
            path.unlink()
        write_run_report(run.folder, place / "one.html")
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    text = Page(place / "one.html").text
    assert "fold s02" in text
    assert not any(f"fold {name}" in text for name in ("s01", "s03", "s04"))


def test_without_networks_the_page_says_how_to_keep_them(other, place):
    write_run_report(other.folder, place / "other.html")
    page = Page(place / "other.html")
    assert "mer-di train --save-networks" in page.text
    assert "mer-di train --audit-leakage" in page.text
    assert not articles(page, "card attention")


def test_a_run_whose_folds_were_deleted_has_a_page_still(other, place, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("config.json", "results.json", "predictions.csv"):
        (folder / name).write_bytes((other.folder / name).read_bytes())
    write_run_report(folder, folder / "page.html")
    assert "holds no record of a fold any more" in Page(folder / "page.html").text


def test_another_cache_is_never_used(run, place, tmp_path):
    twin = write_tiny_cache(tmp_path / "twin.h5", clips=4, seed=1)
    write_run_report(run.folder, place / "twin.html", [twin])
    page = Page(place / "twin.html")
    assert "twin.h5 holds 'tiny' but is not the file that the run was trained on" in page.text
    assert not articles(page, "card")
    assert not articles(page, "card attention")


def test_caches_are_found_where_they_were_or_near_the_run(run, cache, tmp_path):
    (found,) = find_caches(run)
    assert (found.path, found.problem) == (cache.resolve(), "")
    moved = Run(tmp_path / "archive" / "runs" / "mine")
    shutil.copytree(run.folder, moved.folder)
    assert find_caches(moved) == [found]
    results = moved.results()
    moved.write_results(results | {"caches": [{**results["caches"][0], "path": str(tmp_path / "gone.h5")}]})
    (lost,) = find_caches(moved)
    assert lost.path is None
    assert "no cache of 'tiny' was found" in lost.problem
    copy = shutil.copy(cache, tmp_path / "archive" / "same.h5")
    assert find_caches(moved)[0].path == copy


@pytest.mark.parametrize(
    ("change", "dataset", "expected"),
    [
        ({}, "mmew", (0.6424, 288, False)),
        ({"backbone": "resnet18"}, "casme2", (0.6167, 240, False)),
        ({"fusion": "simple"}, "samm", (0.6316, 135, False)),
        ({"streams": ["full", "full"]}, "mmew", (0.5104, 288, False)),
        ({"architecture": "learnet", "streams": ["onset"]}, "mmew", (0.5278, 288, False)),
        ({"architecture": "originet", "streams": ["full"]}, "casme2", (0.6209, 240, True)),
        ({"backbone": "tf_efficientnet_lite0"}, "mmew", None),
        ({}, "synthetic", None),
        ({"architecture": "originet", "streams": ["full"]}, "mmew", None),
    ],
)
def test_the_papers_number_belongs_to_network_and_database(change, dataset, expected):
    found = paper_number({**DIANET, **change}, dataset)
    assert (found and (pytest.approx(found.accuracy), found.n, found.copied)) == expected


def test_the_papers_number_stands_beside_ours(cache, tmp_path, place):
    path = write_tiny_cache(tmp_path / "mmew.h5", dataset="mmew", subjects=2)
    folder = tmp_path / "run"
    evaluate([path], folder, config(), validation="none", device="cpu", shuffled_labels=True)
    claimed = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**claimed, **DIANET}))  # as if it had been the paper's network
    write_run_report(folder, folder / "report.html")
    text = Page(folder / "report.html").text
    assert "64.24 %" in text
    assert "paper: N = 288; here N = 6: other samples" in text
    assert "Shuffled labels." in text


def test_a_drawn_look_alike_is_labelled_and_has_no_number_of_the_paper(tmp_path):
    path = write_tiny_cache(tmp_path / "drawn.h5", dataset="mmew", subjects=2)
    with h5py.File(path, "a") as file:
        file.attrs["annotation_version"] = "synthetic"
    folder = tmp_path / "run"
    evaluate([path], folder, config(), validation="none", device="cpu")
    write_run_report(folder, folder / "report.html")
    page = Page(folder / "report.html")
    assert "Synthetic data." in page.text
    assert "the paper has no number for this network on synthetic-mmew" in page.text
    assert "drawn.h5, the same file" in page.text


def test_an_unfinished_run_has_no_page(tmp_path):
    with pytest.raises(RunError):
        write_run_report(tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_comparison_lists_who_alone_was_right(run, other, place):
    write_comparison_report(run.folder, other.folder, place / "ab.html")
    page = Page(place / "ab.html")
    a, b = run.predictions(), other.predictions()
    for side, mine, theirs in (("only A", a, b), ("only B", b, a)):
        names = mine.sample_ids[mine.correct & ~theirs.correct]
        assert sum(words == side for words in page.words) == len(names)
        assert all(str(name) in page.text for name in names)
    assert "learning rate 0.0001 → 0.01" in page.text


def test_the_commands(run, other, place):
    done = CliRunner().invoke(report, [str(run.folder)], catch_exceptions=False)
    assert done.exit_code == 0
    assert (run.folder / "report.html").exists()
    out = place / "compared.html"
    done = CliRunner().invoke(compare, [str(run.folder), str(other.folder), "--page", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "McNemar" in done.stdout
    assert Page(out).text.count("Two runs on the same 16 samples") == 1
    refused = CliRunner().invoke(report, [str(place / "tiny.h5"), "--cache", str(place / "tiny.h5")])
    assert refused.exit_code == 2
