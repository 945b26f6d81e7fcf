"""What training minimizes: classification, and the agreement of the two phases."""

from typing import get_args

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from mer_di.arguments import one_of
from mer_di.learning.train_config import EFFECTIVE_BETA, FOCAL_GAMMA, ClassificationLoss, ClassWeights


def consistency_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean cosine dissimilarity of two streams' features, 1 − cos(f₁, f₂).

    Parameters
    ----------
    first, second : Tensor of float, shape (B, D)

    Returns
    -------
    Tensor of float, scalar
        Within [0, 2]; a feature vector of zeros counts as orthogonal to every other.

    References
    ----------
    Khuong et al., DIANet, 2025, Eq. 4.
    """
    return (1 - cosine_similarity(first, second, dim=1)).mean()


def classification_loss(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor,
    *,
    kind: ClassificationLoss = "cross-entropy",
    gamma: float = FOCAL_GAMMA,
) -> Tensor:
    """Return the mean loss of a batch.

    Parameters
    ----------
    logits : Tensor of float, shape (B, C)
    labels : Tensor of int64, shape (B,)
        0-based classes.
    class_weights : Tensor of float, shape (C,)
        Factor of each class's samples, as `weigh_classes` gives them. The sum is divided by B and not by the batch's
        own weights: a sample counts the same whatever company it is in.
    kind : {"cross-entropy", "focal"}
        −log p, or −(1 − p)^γ log p (Lin et al., ICCV 2017).
    gamma : float
        γ of the focal loss, at least 0.

    Returns
    -------
    Tensor of float, scalar

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    one_of("loss", kind, get_args(ClassificationLoss))
    losses = cross_entropy(logits, labels, reduction="none")
    if kind == "focal":
        # expm1: 1 − p without cancellation when p is near 1; not 0, where a γ below 1 has no derivative
        missed = (-torch.expm1(-losses)).clamp_min(torch.finfo(losses.dtype).tiny)
        losses = missed.pow(gamma) * losses
    return (class_weights[labels] * losses).mean()


def weigh_classes(
    labels: Tensor, n_classes: int, *, kind: ClassWeights = "none", beta: float = EFFECTIVE_BETA
) -> Tensor:
    """Return a weight a class, from the training labels alone.

    Parameters
    ----------
    labels : Tensor of int64, shape (N,)
        Labels of the training samples.
    n_classes : int
        Number of classes C; some may be absent from ``labels``.
    kind : {"none", "balanced", "effective-number"}
        All 1; inverse to the number n of samples of the class; or inverse to (1 − βⁿ)/(1 − β) (Cui et al., CVPR 2019).
    beta : float
        β of the effective number, within [0, 1).

    Returns
    -------
    Tensor of float32, shape (C,)
        Scaled so that the training samples' mean weight is 1, which keeps λ and the learning rate comparable. A class
        that has no training sample weighs 0, except under ``none``.

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    one_of("class weights", kind, get_args(ClassWeights))
    counts = torch.bincount(labels.cpu(), minlength=n_classes).double()
    if kind == "none":
        return torch.ones(n_classes, device=labels.device)
    present = counts > 0
    effective = counts if kind == "balanced" else (1 - beta**counts) / (1 - beta)
    weights = torch.where(present, 1 / effective.where(present, torch.ones_like(counts)), torch.zeros_like(counts))
    return (weights * counts.sum() / (weights * counts).sum()).float().to(labels.device)
