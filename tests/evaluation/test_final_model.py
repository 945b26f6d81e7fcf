import h5py
import pytest
from tiny_cache import write_tiny_cache
from tiny_run import CONFIG

from mer_di.errors import InputError
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.saved_model import load_model, save_model


def test_a_final_model_holds_out_validation_subjects_or_nobody(cache, monkeypatch):
    seen = []

    def spy(training, validation, *_, **__):
        seen.append((len(training), validation and len(validation)))
        raise InputError("enough")

    monkeypatch.setattr("mer_di.evaluation.final_model.train_model", spy)
    for rule in ("none", "subjects:1", "subjects:2"):
        with pytest.raises(InputError, match="enough"):
            train_on_everyone([cache], CONFIG, validation=rule, device="cpu")
    assert seen == [(12, None), (9, 3), (6, 6)]


def test_a_final_model_of_unlike_caches_is_refused(tmp_path):
    caches = [write_tiny_cache(tmp_path / f"{size}.h5", size=size, dataset=f"d{size}") for size in (16, 24)]
    with pytest.raises(InputError, match=r"built differently \(size: 16 \| 24\)"):
        train_on_everyone(caches, CONFIG, validation="none")


def test_the_rest_of_a_cache_file_is_not_needed(cache, tmp_path):
    save_model(train_on_everyone([cache], CONFIG, validation="none", device="cpu"), tmp_path / "model.safetensors")
    with h5py.File(cache) as file:  # the model carries the recipe itself
        assert load_model(tmp_path / "model.safetensors").recipe.text == file.attrs["recipe"]
