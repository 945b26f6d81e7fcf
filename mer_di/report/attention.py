"""Grad-CAM pictures of some samples, each by the network of the fold in which it was tested."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mer_di.cache import FLOW_STREAMS, open_cache
from mer_di.evaluation.records import Predictions
from mer_di.evaluation.run import Run
from mer_di.report.encoding import colour_limit, flow_thumbnail, overlay, signed_thumbnail


@dataclass(frozen=True, slots=True)
class Attention:
    """What a network looked at in one sample.

    Attributes
    ----------
    sample_id, label, predicted, fold : str
    probability : float
        Of the predicted class, which is the one that the maps explain.
    streams : list of tuple of str
        Name of each stream, its image, and its map over the apex frame; pictures as data URIs.
    """

    sample_id: str
    label: str
    predicted: str
    fold: str
    probability: float
    streams: list[tuple[str, str, str]]


def attentions(
    run: Run,
    predictions: Predictions,
    fold_files: dict[str, str],
    rows: dict[str, tuple[Path, int]],
    *,
    frames: bool = True,
) -> list[Attention]:
    """Explain the most certain right and the most certain wrong prediction of each class.

    Parameters
    ----------
    run : Run
    predictions : Predictions
    fold_files : dict of str to str
        Sample id to the file name of the fold in which it was tested.
    rows : dict of str to tuple
        Sample id to its cache and its 0-based row there.
    frames : bool
        Lay the maps over the apex frame, where the cache has it; else over plain grey.

    Returns
    -------
    list of Attention
        Samples whose fold kept its network, right ones first.

    Raises
    ------
    InputError
        If a network is of a kind that Grad-CAM cannot explain.
    """
    kept = np.array(
        [
            name in rows and name in fold_files and run.network(fold_files[name]).exists()
            for name in predictions.sample_ids
        ]
    )
    return [_explained(run, predictions, i, fold_files, rows, frames) for i in _chosen(predictions, kept)]


def _chosen(predictions: Predictions, kept: NDArray[np.bool_]) -> list[int]:
    certainty = predictions.probabilities.max(axis=1)
    groups = [
        np.flatnonzero(kept & (predictions.correct == right) & (predictions.labels == label))
        for right in (True, False)
        for label in predictions.classes
    ]
    return [int(group[certainty[group].argmax()]) for group in groups if len(group)]


def _explained(
    run: Run,
    predictions: Predictions,
    index: int,
    fold_files: dict[str, str],
    rows: dict[str, tuple[Path, int]],
    frames: bool,
) -> Attention:
    from mer_di.learning.gradcam import grad_cam  # loads torch
    from mer_di.learning.saved_model import load_model
    from mer_di.learning.views import clip_views, images_read

    name = str(predictions.sample_ids[index])
    path, row = rows[name]
    saved = load_model(run.network(fold_files[name]))
    model, dataset = saved.config.model, images_read(path, saved.config)
    views = clip_views(dataset[row][0][None], model)[0]
    names = model.images_read[-views.shape[0] * views.shape[1] :]
    if model.test_images == "per-image":  # the sample is one of them
        (place,) = (place for place, stream in enumerate(names) if name.endswith(f"/{stream}"))
        views, names = views[place : place + 1], names[place : place + 1]
    label = int(predictions.probabilities[index].argmax())
    maps = np.concatenate([grad_cam(saved.network, view, label) for view in views])
    shares = maps / (maps.max() or 1)
    raw = [dataset.raw(stream, row) for stream in names]
    with open_cache(path) as cache:
        frame = cache.key_frames("apex")[row] if frames and cache.has_frames else np.full(raw[0].shape, 128, np.uint8)
    fold = run.fold(fold_files[name])
    return Attention(
        sample_id=name,
        label=str(predictions.labels[index]),
        predicted=str(predictions.predicted[index]),
        fold=fold.name if fold else "",
        probability=float(predictions.probabilities[index].max()),
        streams=[
            (stream, _thumbnail(stream, image), overlay(frame, share))
            for stream, image, share in zip(names, raw, shares, strict=True)
        ],
    )


def _thumbnail(stream: str, image: NDArray[np.float32]) -> str:
    return flow_thumbnail(image) if stream in FLOW_STREAMS else signed_thumbnail(image, colour_limit(image))
