from dataclasses import replace

import pytest
import tiny_run

from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.run import Run
from mer_di.report import write_run_report
from mer_di.report.attention import attentions


def test_the_most_certain_right_and_wrong_sample_of_each_class_is_explained_by_its_fold(run, cache):
    predictions = run.predictions()
    ids, certainties = predictions.sample_ids.tolist(), predictions.probabilities.max(axis=1).tolist()
    subjects = dict(zip(ids, predictions.subjects.tolist(), strict=True))
    judged = list(zip(certainties, ids, predictions.labels.tolist(), predictions.correct.tolist(), strict=True))
    groups = [
        [row for row in judged if row[2:] == (label, right)] for right in (True, False) for label in predictions.classes
    ]
    expected = [max(group) for group in groups if group]
    assert {right for *_, right in expected} == {True, False}
    files = {name: f"{subject}.json" for name, subject in subjects.items()}
    found = attentions(run, predictions, files, {name: (cache, row) for row, name in enumerate(ids)})
    assert [(item.probability, item.sample_id, item.label, item.label == item.predicted) for item in found] == expected
    assert all(item.fold == subjects[item.sample_id] for item in found)
    assert {tuple(name for name, *_ in item.streams) for item in found} == {("onset", "offset")}


@pytest.mark.parametrize(
    ("test_images", "endings", "streams"),
    [
        ("mean-of-phases", [""], {"": ("onset", "offset")}),
        ("whole", [""], {"": ("full",)}),
        ("per-image", ["/onset", "/offset"], {"/onset": ("onset",), "/offset": ("offset",)}),
    ],
)
def test_after_temporal_augmentation_what_was_tested_is_explained(cache, tmp_path, test_images, endings, streams):
    model = replace(tiny_run.CONFIG.model, temporal_augmentation=True, test_images=test_images)
    config = replace(tiny_run.CONFIG, model=model, epochs=1)
    evaluate([cache], tmp_path, config, validation="none", device="cpu", save_networks=True)
    run = Run(tmp_path)
    predictions = run.predictions()
    ids = predictions.sample_ids.tolist()
    files = {name: f"{name.split('/')[0]}.json" for name in ids}
    rows = {name: (cache, number // len(endings)) for number, name in enumerate(ids)}
    found = attentions(run, predictions, files, rows)
    assert found
    for item in found:
        ending = item.sample_id.removeprefix("/".join(item.sample_id.split("/")[:2]))
        assert tuple(name for name, *_ in item.streams) == streams[ending]
    write_run_report(tmp_path, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"tested: {test_images}" in page
    wrong = int((~predictions.correct).sum())
    assert page.count('<article class="card') == wrong + len(found) > len(found)
