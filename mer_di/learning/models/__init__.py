"""The networks: DIANet, rivals whose layers are known, and reconstructions of rivals whose layers are not."""

from importlib import import_module

from torch import nn

from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models.affectivenet import AffectiveNetReconstruction as AffectiveNetReconstruction
from mer_di.learning.models.backbone import BACKBONES as BACKBONES
from mer_di.learning.models.backbone import initialize_backbone
from mer_di.learning.models.dianet import DIANet as DIANet
from mer_di.learning.models.fdcn import FDCNReconstruction as FDCNReconstruction
from mer_di.learning.models.geme import GEMEReconstruction as GEMEReconstruction
from mer_di.learning.models.learnet import LEARNet as LEARNet
from mer_di.learning.models.learnet_vnu import LEARNetVNU as LEARNetVNU
from mer_di.learning.models.originet import OrigiNet as OrigiNet
from mer_di.learning.models.output import ModelOutput as ModelOutput
from mer_di.learning.models.size import require_size
from mer_di.learning.models.statistics import restart_statistics as restart_statistics


def architecture(config: ModelConfig, n_classes: int) -> nn.Module:
    """Build a network with random weights, to load a saved state into.

    Parameters
    ----------
    config : ModelConfig
        Its ``weights`` are not looked at.
    n_classes : int
        Number of classes C.

    Returns
    -------
    torch.nn.Module
        Takes images (B, n_streams, 3, S, S) float32 and returns `ModelOutput`.

    Raises
    ------
    InputError
        If timm does not know the backbone, or it does not take images of this size; the smallest is named.
    """
    network = _network(config, n_classes)
    require_size(network, config.n_streams, config.input_size)
    return network


def _network(config: ModelConfig, n_classes: int) -> nn.Module:
    module, name = config.own.layers.split(".")
    network: type[nn.Module] = getattr(import_module(f"{__name__}.{module}"), name)
    return network(config, n_classes) if config.own.parameters else network(n_classes)


def build_model(config: ModelConfig, n_classes: int) -> nn.Module:
    """Build a network as training starts with it: random layers from torch's global generator, backbone as configured.

    Parameters
    ----------
    config : ModelConfig
    n_classes : int
        Number of classes C.

    Returns
    -------
    torch.nn.Module
        As from `architecture`.

    Raises
    ------
    InputError
        If timm does not know the backbone, it does not take images of this size, or the file of weights is of no use.
    MissingDependencyError
        If ImageNet weights cannot be had; the message names the ways out.
    """
    model = architecture(config, n_classes)
    if isinstance(model, DIANet):
        for backbone in model.backbones:
            initialize_backbone(backbone, config.backbone, config.weights)
    return model
