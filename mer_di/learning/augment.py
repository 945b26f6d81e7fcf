"""Augmentation of a whole batch on its device: flips and rotations, alike for all streams of a sample."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample


def augment(
    images: Tensor, generator: Generator, *, flip: bool = True, rotation: float = 10.0, flow: Sequence[int] = ()
) -> Tensor:
    """Flip each sample with probability ½ and rotate it by a random angle.

    Both operations act on pixel positions alone, so they commute with the weighted sum over frames: the augmented
    dynamic image is the dynamic image of an augmented clip. Optical flow is made that of an augmented clip by flipping
    and rotating its displacements as well.

    Parameters
    ----------
    images : Tensor of float, shape (B, n_streams, 3, S, S)
        On any device; not changed.
    generator : torch.Generator
        On the CPU, so that a seed means the same augmentation on every device.
    flip : bool
        Whether to flip left and right.
    rotation : float
        Largest angle in degrees; angles are uniform within ±rotation.
    flow : sequence of int
        0-based streams that hold u to the right, v down and strain, u and v on one scale with 0 for no motion.

    Returns
    -------
    Tensor of float, shape (B, n_streams, 3, S, S)

    References
    ----------
    Khuong et al., DIANet, 2025, §3.1.
    """
    count = len(images)
    if flip:
        chosen = torch.rand(count, generator=generator) < 0.5
        images = torch.where(chosen.to(images.device).view(-1, 1, 1, 1, 1), _mirrored(images, flow), images)
    if rotation:
        degrees = rotation * (2 * torch.rand(count, generator=generator) - 1)
        images = rotate(images, degrees.to(images.device), flow)
    return images


def _mirrored(images: Tensor, flow: Sequence[int]) -> Tensor:
    mirrored = images.flip(-1)
    for stream in flow:
        mirrored[:, stream, 0].neg_()
    return mirrored


def rotate(images: Tensor, degrees: Tensor, flow: Sequence[int] = ()) -> Tensor:
    """Rotate each sample about the centre of its images.

    Parameters
    ----------
    images : Tensor of float, shape (B, n_streams, 3, S, S)
    degrees : Tensor of float, shape (B,)
        Counter-clockwise as seen on a screen.
    flow : sequence of int
        0-based streams that hold optical flow, see `augment`.

    Returns
    -------
    Tensor of float, shape (B, n_streams, 3, S, S)
        Bilinear. What comes from outside the image is 0: no motion, in every normalization that keeps zero.
    """
    angles = degrees * (math.pi / 180)
    cos, sin, zero = torch.cos(angles), torch.sin(angles), torch.zeros_like(angles)
    matrices = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)
    merged = images.flatten(1, 2)
    grid = affine_grid(matrices, list(merged.shape), align_corners=False)
    turned = grid_sample(merged, grid, mode="bilinear", padding_mode="zeros", align_corners=False).view_as(images)
    cos, sin = cos.view(-1, 1, 1), sin.view(-1, 1, 1)
    for stream in flow:
        u, v = turned[:, stream, 0].clone(), turned[:, stream, 1].clone()
        turned[:, stream, 0] = cos * u + sin * v
        turned[:, stream, 1] = cos * v - sin * u
    return turned
