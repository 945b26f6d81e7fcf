"""A backbone from timm without its head: images to maps."""

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn

from mer_di.errors import InputError
from mer_di.learning.models.weights import load_file, load_imagenet

BACKBONES: Mapping[str, str] = MappingProxyType(
    {
        "efficientnetv2": "tf_efficientnetv2_s",
        "resnet18": "resnet18",
        "convnext": "convnext_tiny",
        "mobilevit": "mobilevit_s",
    }
)
"""Short names of the paper's Table 2 and the timm models that they stand for.

The paper names the families only. Each is taken as the smallest model of the paper that introduced it *that such a
table would show*: EfficientNetV2-S is the smallest that Tan & Le (2021) report on ImageNet (their B0-B3 are
for comparison with EfficientNetV1), ConvNeXt-T the smallest of Liu et al. (2022; atto to nano came later), ResNet18 is
named in full, and MobileViT-S is the variant that Mehta & Rastegari (2022) compare with others. "Lightweight" (§3.6)
speaks against M and L. ``tf_`` are the authors' own weights, with the padding that they were trained with.
"""


def random_backbone(name: str, size: int) -> nn.Module:
    """Build a backbone with random weights.

    Parameters
    ----------
    name : str
        A short name in `BACKBONES`, or a name of timm such as ``tf_efficientnet_lite0``.
    size : int
        Side S of its images in pixels.

    Returns
    -------
    torch.nn.Module
        Its ``forward_features`` takes images (B, 3, S, S) to the last map, of ``num_features`` channels.

    Raises
    ------
    InputError
        If timm knows no such model, or it takes images of one size only and that is another.
    """
    import timm  # seconds, with the torchvision that it imports: not for who only configures or reads a run

    model_name = BACKBONES.get(name, name)
    if not timm.is_model(model_name):
        similar = ", ".join([*BACKBONES, *timm.list_models(f"*{name}*")[:8]])
        raise InputError(f"backbone {name!r} is unknown to timm {timm.__version__}; expected a name such as {similar}")
    own = timm.get_pretrained_cfg(model_name)
    if own is not None and own.fixed_input_size and size != own.input_size[-1]:
        raise InputError(f"backbone {name!r} takes images of {own.input_size[-1]} pixels, not {size}; change the size")
    return timm.create_model(model_name, num_classes=0)


def initialize_backbone(backbone: nn.Module, name: str, weights: str) -> None:
    """Load the weights with which a backbone starts.

    Parameters
    ----------
    backbone : torch.nn.Module
        As `random_backbone` builds it; changed.
    name : str
        The name that it was built by.
    weights : str
        ``imagenet``, ``random`` (nothing is loaded), or the path of a file.

    Raises
    ------
    MissingDependencyError
        If ImageNet weights cannot be had.
    InputError
        If the file is not there, not readable without running code, or of another model.
    """
    if weights == "imagenet":
        load_imagenet(backbone, BACKBONES.get(name, name))
    elif weights != "random":
        load_file(backbone, weights)
