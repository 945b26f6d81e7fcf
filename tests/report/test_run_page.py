"""The page of a run, as a browser's parser sees it."""

import json
import shutil

import h5py
import numpy as np
import pytest
import tiny_run
from click.testing import CliRunner
from html_page import Page
from tiny_cache import write_tiny_cache

from mer_di.cli.compare import command as compare
from mer_di.cli.report import command as report
from mer_di.errors import RunError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.evaluate import evaluate
from mer_di.labels import read_scheme
from mer_di.learning.model_config import ModelConfig
from mer_di.report import write_comparison_report, write_run_report


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


def test_the_papers_number_stands_beside_ours(cache, tmp_path, place):
    path = write_tiny_cache(tmp_path / "mmew.h5", dataset="mmew", subjects=2)
    folder = tmp_path / "run"
    tiny_run.run(path, folder, validation="none", shuffled_labels=True)
    claimed = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(claimed | ModelConfig().parameters))  # as if it were the paper's
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
    tiny_run.run(path, folder, validation="none")
    write_run_report(folder, folder / "report.html")
    page = Page(folder / "report.html")
    assert "Synthetic data." in page.text
    assert "the paper has no number for this network on synthetic-mmew" in page.text
    assert "drawn.h5, the same file" in page.text


def test_an_unfinished_run_has_no_page(tmp_path):
    with pytest.raises(RunError):
        write_run_report(tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


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


@pytest.mark.parametrize(
    "text", ["{}", '{"validation": 3}', '{"validation": {"labels": "annotated"}, "caches": [7]}', "[]"]
)
@pytest.mark.parametrize("name", ["results.json", "config.json"])
def test_a_damaged_run_has_no_page_and_is_named(run, cache, tmp_path, name, text):
    damaged = shutil.copytree(run.folder, tmp_path / "damaged")
    (damaged / name).write_text(text)
    with pytest.raises(RunError, match=r"damaged"):
        write_run_report(damaged, tmp_path / "page.html", [cache])
    with pytest.raises(RunError, match=r"damaged"):
        write_comparison_report(run.folder, damaged, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_page_says_scheme_databases_and_classes_that_give_theirs_away(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="casme2", emotions=("disgust", "others", "surprise"))
    b = write_tiny_cache(tmp_path / "b.h5", dataset="samm", emotions=("anger", "happiness", "others"))
    scheme = read_scheme("megc2019")
    evaluate(read_corpus([a, b], scheme), tmp_path / "run", tiny_run.CONFIG, validation="none", device="cpu")
    write_run_report(tmp_path / "run", tmp_path / "run" / "page.html")
    text = " ".join(Page(tmp_path / "run" / "page.html").text.split())
    assert f"Label scheme megc2019 , {scheme.title} (sha256 {scheme.sha256})" in text
    assert "It left out 8 samples: 4 of casme2, emotion 'others', 4 of samm, emotion 'others'" in text
    assert "casme2 negative 4 88" in text
    assert "Class, below, is the annotated emotion; true is the class that megc2019 makes of it." in text
    assert "subject s0" not in text  # of two databases, whose s01 are two people
    assert "positive only in samm, surprise only in casme2: a network that tells the databases apart" in text
    for row in json.loads((tmp_path / "run" / "results.json").read_text())["per_dataset"]:
        rates = f"{100 * row['accuracy']:.1f} % {row['uf1']:.3f} {row['uar']:.3f}"
        assert f"{row['dataset']} 8 4 {rates}" in text
