"""Steps in bfloat16: what is rounded and what is not, the same bits for a seed, and who can compute it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mer_di.errors import InputError
from mer_di.learning.gradcam import grad_cam
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import build_model
from mer_di.learning.precision import arithmetic, computes_bfloat16, slow_in_bfloat16, without_trial
from mer_di.learning.train import predict_probabilities, train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import LabelledImages

CPU = torch.device("cpu")
SIDE = 40
MODEL = ModelConfig(backbone="test_efficientnet", weights="random", size=SIDE)
CONFIG = TrainConfig(model=MODEL, epochs=2, batch_size=4, learning_rate=1e-3, precision="bfloat16")


def samples(count=9, n_classes=3, seed=0):
    """Images whose class is the channel that is bright."""
    images = torch.randn(count, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(count) % n_classes
    for image, label in zip(images, labels, strict=True):
        image[:, label] += 3
    return LabelledImages(images, labels)


def train(config=CONFIG, training=None, **options):
    return train_model(training or samples(), samples(seed=1), 3, config, **{"seed": 0} | options)


def bits(trained):
    return {name: tensor.numpy().tobytes() for name, tensor in trained.model.state_dict().items()}


def leave_behind(value, count):
    """Set free memory that holds a value."""
    [torch.full((size,), value, dtype=kind) for size in (count, 2 * count) for kind in (torch.float, torch.bfloat16)]


@pytest.mark.parametrize(("side", "stride"), [(1, 2), (2, 3), (2, 2), (5, 2)])
def test_gradients_hold_nothing_that_the_memory_held_before(side, stride):
    layer = nn.Conv2d(64, 64, 3, stride, padding=1, bias=False)
    maps = torch.randn(8, 64, side, side, generator=torch.Generator().manual_seed(0))
    gradients = []
    for precision in ("float32", "bfloat16", "bfloat16", "bfloat16"):
        leave_behind(1e30, layer.weight.numel())
        layer.zero_grad()
        with arithmetic(layer, precision, CPU):
            layer(maps).float().square().sum().backward()
        gradients.append(layer.weight.grad.clone())
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0], rtol=0, atol=0.02 * gradients[0].abs().max().item())


# --- what computes it ---


@pytest.mark.parametrize(
    ("capabilities", "computes"),
    [
        ({"avx512_f": True, "avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"architecture": "aarch64", "bf16": True}, True),
        ({"sve": True, "sve_bf16": True}, True),
        ({"avx512_f": True, "avx512_bf16": False}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_a_processor_says_whether_it_computes_bfloat16(monkeypatch, capabilities, computes):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert computes_bfloat16(CPU) is computes


@pytest.mark.parametrize("computes", [True, False])
def test_an_older_torch_is_asked_as_it_can_be(monkeypatch, computes):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: computes, raising=False)
    assert computes_bfloat16(CPU) is computes


def test_what_torch_cannot_tell_is_no(monkeypatch):
    def unreadable():
        raise RuntimeError("cpuinfo")

    monkeypatch.setattr(torch.cpu, "get_capabilities", unreadable, raising=False)
    assert computes_bfloat16(CPU) is False
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert computes_bfloat16(CPU) is False
    assert computes_bfloat16(torch.device("mps")) is False


@pytest.mark.parametrize(("capability", "auto"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_auto_without_a_trial_is_what_a_gpu_computes(monkeypatch, capability, auto):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert without_trial("auto", torch.device("cuda")) == auto


def test_auto_without_a_trial_is_float32_on_every_processor(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert [without_trial(name, CPU) for name in ("auto", "float32", "bfloat16")] == ["float32", "float32", "bfloat16"]
    assert bits(train(replace(CONFIG, precision="auto"))) == bits(train(replace(CONFIG, precision="float32")))


# --- what is rounded ---


def convolution(channels, groups, size, stride):
    return nn.Conv2d(channels, channels, size, stride, size // 2, groups=groups)


def test_only_depthwise_convolutions_with_a_stride_or_a_large_window_are_spared():
    assert slow_in_bfloat16(convolution(8, 8, 3, 2))
    assert slow_in_bfloat16(convolution(8, 8, 5, 1))
    others = (convolution(8, 8, 3, 1), convolution(8, 1, 3, 2), convolution(8, 4, 5, 2), nn.Conv2d(1, 8, 3, 2))
    assert not any(map(slow_in_bfloat16, (*others, nn.Linear(8, 8))))


def kinds(model, precision):
    """Return the dtype that each convolution gives."""
    found = []
    hooks = [layer.register_forward_hook(lambda _layer, _given, maps: found.append(maps.dtype)) for layer in model]
    with arithmetic(model, precision, CPU):
        model(torch.randn(2, 8, 9, 9)).float().sum().backward()
    for hook in hooks:
        hook.remove()
    return found


def test_layers_are_rounded_and_parameters_and_gradients_are_not():
    model = nn.Sequential(convolution(8, 1, 3, 1), convolution(8, 8, 3, 2), convolution(8, 8, 3, 1))
    assert kinds(model, "bfloat16") == [torch.bfloat16, torch.float32, torch.bfloat16]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.grad.dtype for parameter in model.parameters()} == {torch.float32}
    assert kinds(model, "float32") == [torch.float32] * 3


def test_a_network_is_given_back_as_it_was_after_an_error():
    model = nn.Sequential(convolution(8, 8, 3, 2))
    with pytest.raises(RuntimeError, match="expected input"), arithmetic(model, "bfloat16", CPU):
        model(torch.randn(2, 5, 9, 9))
    assert "forward" not in vars(model[0])
    assert not torch.is_autocast_enabled("cpu")


def test_a_step_in_bfloat16_is_nearly_one_in_float32():
    found = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = build_model(MODEL, 3)
        with arithmetic(model, precision, CPU):
            loss = model(samples().images).logits.float().square().sum()
        loss.backward()
        found[precision] = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    exact, rounded = found.values()
    assert not torch.equal(exact, rounded)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.95


# --- a training ---


def test_a_seed_and_a_precision_are_a_result():
    first, second = train(), train()
    assert bits(first) == bits(second)
    assert first.history == second.history
    assert bits(first) != bits(train(replace(CONFIG, precision="float32")))
    assert bits(first) != bits(train(seed=1))


def test_what_comes_of_it_is_float32():
    trained = train()
    kinds = {tensor.dtype for tensor in trained.model.state_dict().values()}
    assert kinds == {torch.float32, torch.int64}  # the latter counts the steps of a normalization
    images = samples(seed=2).images
    with torch.inference_mode():
        logits = trained.model(images).logits
    assert logits.dtype == torch.float32
    expected = torch.softmax(logits.double(), dim=1).numpy()
    np.testing.assert_allclose(predict_probabilities(trained.model, images), expected, rtol=1e-5)


def test_the_validation_loss_is_the_one_of_the_network_that_predicts():
    trained = train(replace(CONFIG, epochs=1, consistency=0))
    held = samples(seed=1)
    rows = predict_probabilities(trained.model, held.images)
    expected = -np.log(rows[np.arange(len(held)), held.labels.numpy()]).mean()
    assert trained.history[0]["validation_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("change", [{"loss": "focal"}, {"class_weights": "balanced"}])
def test_it_learns_in_bfloat16(change):
    trained = train(replace(CONFIG, epochs=12, batch_size=8, learning_rate=3e-4, **change), samples(24))
    unseen = samples(12, seed=9)
    assert (predict_probabilities(trained.model, unseen.images).argmax(1) == unseen.labels.numpy()).mean() >= 0.75


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext", "test_vit"])
def test_other_backbones_train_in_bfloat16(backbone):
    model = replace(MODEL, backbone=backbone, size=160 if backbone == "test_vit" else SIDE, fusion="concat")
    images = torch.randn(4, 2, 3, model.size, model.size, generator=torch.Generator().manual_seed(0))
    training = LabelledImages(images, torch.arange(4) % 2)
    trained = train_model(training, None, 2, replace(CONFIG, model=model, epochs=1), seed=0)
    assert math.isfinite(trained.history[0]["training_loss"])


def test_a_loss_that_is_not_finite_is_refused_in_bfloat16():
    with pytest.raises(InputError, match="not finite"):
        train(replace(CONFIG, learning_rate=1e30, epochs=3))


def test_grad_cam_looks_into_a_network_that_was_trained_in_bfloat16():
    places = grad_cam(train().model, samples(seed=2).images[0], 0)
    assert places.dtype == np.float32
    assert np.isfinite(places).all()


# --- its place in a configuration ---


def test_a_text_of_before_is_of_float32():
    text = json.loads(CONFIG.text)
    del text["precision"]
    assert TrainConfig.from_text(json.dumps(text)) == replace(CONFIG, precision="float32")
    del text["epochs"]
    with pytest.raises(InputError, match="lacks a parameter"):
        TrainConfig.from_text(json.dumps(text))


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="precision is 'float16'; expected one of auto, float32, bfloat16"):
        TrainConfig(precision="float16")
