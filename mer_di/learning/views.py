"""What a network is shown of a clip: its images together, or each by itself."""

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train import predict_probabilities
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import DynamicImageDataset, LabelledImages


def images_read(path: str | os.PathLike[str], config: TrainConfig) -> DynamicImageDataset:
    """Return the images of a cache as a network of this configuration reads them.

    Parameters
    ----------
    path : path-like
        A file that ``mer-di build`` wrote.
    config : TrainConfig

    Returns
    -------
    DynamicImageDataset

    Raises
    ------
    CacheError
        If the cache cannot be read, or lacks one of the images.
    """
    model = config.model
    return DynamicImageDataset(
        path,
        model.images_read,
        normalization=config.normalization,
        size=model.input_size,
        flow_combination=model.flow_combination,
    )


def training_samples(clips: LabelledImages, config: ModelConfig) -> LabelledImages:
    """Return the training samples of some clips: the clips, or with temporal augmentation each image of theirs.

    Parameters
    ----------
    clips : LabelledImages
        N clips with the images `ModelConfig.images_read`.
    config : ModelConfig

    Returns
    -------
    LabelledImages
        N · `ModelConfig.samples_per_clip` samples of `ModelConfig.n_streams` images; those of a clip one after another.
    """
    if not config.temporal_augmentation:
        return clips
    count = len(config.streams)
    genders = None if clips.genders is None else clips.genders.repeat_interleave(count)
    beside = None if clips.neighbours is None else clips.neighbours.transpose(1, 2)[:, :count].flatten(0, 1)[:, :, None]
    images = clips.images[:, :count].flatten(0, 1)[:, None]
    return LabelledImages(images, clips.labels.repeat_interleave(count), beside, genders)


def clip_views(images: Tensor, config: ModelConfig) -> Tensor:
    """Return what a network is shown of each clip when it is tested.

    Parameters
    ----------
    images : Tensor of float32, shape (N, len(images_read), 3, S, S)
    config : ModelConfig

    Returns
    -------
    Tensor of float32, shape (N, V, n_streams, 3, S, S)
        V is 1, or after temporal augmentation the number of images, unless the whole clip's image is tested.
    """
    if not config.temporal_augmentation:
        return images[:, None]
    return (images[:, -1:] if config.test_images == "whole" else images)[:, :, None]


def clip_probabilities(
    model: nn.Module, images: Tensor, config: ModelConfig, *, device: torch.device | str = "cpu"
) -> NDArray[np.float64]:
    """Return the probability of each class for some clips.

    Parameters
    ----------
    model : torch.nn.Module
        As `mer_di.learning.train.train_model` returns it.
    images : Tensor of float32, shape (N, len(images_read), 3, S, S)
    config : ModelConfig
        Its ``test_images`` decides what is shown and how several answers become one.
    device : torch.device or str

    Returns
    -------
    ndarray of float64, shape (N, C)
        Rows sum to 1. With ``per-image`` (N · V, C), the images of a clip one after another.

    Raises
    ------
    InputError
        If a probability is not finite.
    """
    views = clip_views(images, config)
    each = predict_probabilities(model, views.flatten(0, 1), device=device)
    if config.test_images == "per-image":
        return each
    mean: NDArray[np.float64] = each.reshape(len(images), views.shape[1], -1).mean(axis=1)
    return mean
