"""Augmentation of a whole batch on its device: flips and rotations, alike for all streams of a sample."""

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample


def augment(images: Tensor, generator: Generator, *, flip: bool = True, rotation: float = 10.0) -> Tensor:
    """Flip each sample with probability ½ and rotate it by a random angle.

    Both operations act on pixel positions alone, so they commute with the weighted sum over frames: the augmented
    dynamic image is the dynamic image of an augmented clip.

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
        images = torch.where(chosen.to(images.device).view(-1, 1, 1, 1, 1), images.flip(-1), images)
    if rotation:
        degrees = rotation * (2 * torch.rand(count, generator=generator) - 1)
        images = rotate(images, degrees.to(images.device))
    return images


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Rotate each sample about the centre of its images.

    Parameters
    ----------
    images : Tensor of float, shape (B, n_streams, 3, S, S)
    degrees : Tensor of float, shape (B,)
        Counter-clockwise as seen on a screen.

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
    turned = grid_sample(merged, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return turned.view_as(images)
