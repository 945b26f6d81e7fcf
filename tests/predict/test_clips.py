import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_model import CONFIG, RECIPE, trained_on

import mer_di
from mer_di.building.build import build_cache
from mer_di.cli.predict import command
from mer_di.errors import InputError
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.saved_model import load_model, save_model
from mer_di.learning.train import predict_probabilities
from mer_di.predict import Clip, predict
from mer_di.recipe import Recipe
from mer_di.torch_dataset import DynamicImageDataset


def built_with_flow(tiny, cache):
    """The same cache with flow, after the fixture has mended the table."""
    return build_cache(
        mer_di.load_dataset("manifest", tiny.table), cache.with_name("flow.h5"), replace(RECIPE, flow="farneback")
    ).path


def clips_of(tiny):
    return [Clip(tiny.table.parent / r["path"], r["onset"], r["apex"], r["offset"]) for r in tiny.rows]


def test_a_clip_goes_through_what_the_cached_samples_went_through(tiny, cache, model):
    saved = load_model(model)
    dataset = DynamicImageDataset(cache, ("offset", "full"), normalization="l2", size=16)
    cached = predict_probabilities(saved.network, dataset.load().images, batch_size=1)
    found = predict(model, clips_of(tiny), device="cpu")
    rows = [dataset.sample_ids.index(f"{r['subject']}/{r['clip']}") for r in tiny.rows]
    for prediction, row in zip(found, rows, strict=True):
        assert prediction.problem is None
        assert [prediction.probabilities[name] for name in dataset.classes] == cached[row].tolist()
        assert list(prediction.probabilities.values()) == sorted(cached[row], reverse=True)


@pytest.mark.parametrize(("stream", "numbers"), [("flow_onset", ()), ("flow_combined", (1.0, 1.0, 1.0))])
def test_flow_is_estimated_for_a_network_that_takes_it(tiny, cache, stream, numbers):
    path = built_with_flow(tiny, cache)
    model = trained_on(path, ("offset", stream), flow_combination=numbers)
    dataset = DynamicImageDataset(path, ("offset", stream), normalization="l2", size=16, flow_combination=numbers)
    cached = predict_probabilities(load_model(model).network, dataset.load().images, batch_size=1)
    rows = [dataset.sample_ids.index(f"{r['subject']}/{r['clip']}") for r in tiny.rows]
    for prediction, row in zip(predict(model, clips_of(tiny), device="cpu"), rows, strict=True):
        assert [prediction.probabilities[name] for name in dataset.classes] == cached[row].tolist()


def test_flow_is_not_estimated_for_a_network_that_takes_none(tiny, cache, monkeypatch):
    model = trained_on(built_with_flow(tiny, cache), ("offset", "full"))
    monkeypatch.setattr("mer_di.imaging.flow.flow", lambda *_, **__: pytest.fail("nobody looks at it"))
    assert all(item.probabilities for item in predict(model, clips_of(tiny), device="cpu"))


@pytest.mark.parametrize("test_images", ["mean-of-phases", "whole", "per-image"])
def test_after_temporal_augmentation_a_clip_has_one_answer(tiny, cache, tmp_path, test_images):
    model = replace(CONFIG.model, streams=("onset", "offset"), temporal_augmentation=True, test_images=test_images)
    path = tmp_path / "model.safetensors"
    config = replace(CONFIG, model=model)
    save_model(train_on_everyone([cache], config, validation="none", device="cpu"), path)
    streams = ("full",) if test_images == "whole" else ("onset", "offset")
    dataset = DynamicImageDataset(cache, streams, normalization="l2", size=16)
    images = dataset.load().images
    each = [predict_probabilities(load_model(path).network, images[:, [i]]) for i in range(len(streams))]
    row = dataset.sample_ids.index(f"{tiny.rows[0]['subject']}/{tiny.rows[0]['clip']}")
    found = predict(path, clips_of(tiny)[:1], device="cpu")[0].probabilities
    expected = dict(zip(dataset.classes, np.mean(each, axis=0)[row], strict=True))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_clip_that_cannot_be_used_says_why_and_the_others_are_predicted(tiny, model):
    good = clips_of(tiny)[0]
    beyond, flat = replace(good, offset=99), replace(good, apex=good.onset)
    found = predict(model, [beyond, good, flat, replace(good, apex=77)], device="cpu")
    assert [bool(item.probabilities) for item in found] == [False, True, False, False]
    assert "99" in found[0].problem
    assert "has 1 frame" in found[2].problem
    assert "apex 77 is not within" in found[3].problem
    assert predict(model, [beyond], device="cpu")[0].problem


def test_the_command_prints_and_fails_where_a_clip_fails(tiny, model):
    good = clips_of(tiny)[0]
    arguments = [str(model), str(good.path), "--onset", str(good.onset), "--apex", str(good.apex), "--device", "cpu"]
    found = CliRunner().invoke(command, [*arguments, "--offset", str(good.offset), "--json"], catch_exceptions=False)
    assert found.exit_code == 0
    (row,) = json.loads(found.stdout)
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    failing = CliRunner().invoke(command, [*arguments, "--offset", "99"], catch_exceptions=False)
    assert failing.exit_code == 1
    assert "unusable: " in failing.stdout
    twice = CliRunner().invoke(command, [*arguments, "--offset", "9", "--offset", "9"])
    assert twice.exit_code == 2
    assert "2 times for 1 clips" in twice.stderr


def test_another_landmark_model_is_refused(tiny, model, tmp_path):
    recipe = Recipe(align="similarity", several_faces="drop", landmark_model="0" * 64)
    save_model(replace(load_model(model), recipe=recipe), tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="--landmark-model"):
        predict(tmp_path / "model.safetensors", clips_of(tiny), device="cpu")


def test_predictions_do_not_depend_on_the_company(tiny, model):
    clips = clips_of(tiny)
    assert predict(model, clips[2:3], device="cpu") == predict(model, clips, device="cpu")[2:3]


def test_a_model_of_magnified_clips_asks_for_their_frame_rate(tiny, cache, tmp_path):
    for row in tiny.rows:
        row["fps"] = 100
    tiny.write_table(("fps",))
    magnified = {"scheme": "magnified", "magnify_band": (2.0, 8.0), "magnify_alpha": 10.0, "apex_jitter": 2}
    recipe = replace(RECIPE, **magnified)
    built = build_cache(mer_di.load_dataset("manifest", tiny.table), tmp_path / "magnified.h5", recipe).path
    model = trained_on(built, ("offset", "full"))
    saved = load_model(model)
    images = DynamicImageDataset(built, ("offset", "full"), normalization="l2", size=16).load().images
    expected = predict_probabilities(saved.network, images)
    clips = clips_of(tiny)
    found = predict(model, [replace(clip, fps=100.0) for clip in clips], device="cpu")
    for item, row in zip(found, expected, strict=True):
        assert [item.probabilities[name] for name in saved.classes] == pytest.approx(row.tolist(), abs=1e-6)
    for fps, said in ((None, "fps-missing"), (12.0, "fps-too-low: 12 frames per second show up to 6 Hz")):
        (refused,) = predict(model, [replace(clips[0], fps=fps)], device="cpu")
        assert refused.problem.startswith(said)
