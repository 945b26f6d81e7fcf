"""Class probabilities of new clips, through the same preparation as the samples that a model was trained on.

The clips are rendered into a small cache, and the model reads that cache: what a sample of the training went through,
a new clip goes through.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di import phases
from mer_di.building.entry import cache_entry
from mer_di.building.plan import PlannedClip, require_rate
from mer_di.building.rendering import render
from mer_di.cache import Entry, Provenance, RenderedClip, write_cache
from mer_di.errors import InputError, SampleError
from mer_di.imaging.face import landmark_model, model_sha256
from mer_di.imaging.listing import require_listed
from mer_di.learning.devices import choose_device
from mer_di.learning.saved_model import SavedModel, load_model
from mer_di.learning.train import predict_probabilities
from mer_di.recipe import Recipe
from mer_di.sample import Sample
from mer_di.torch_dataset import DynamicImageDataset


@dataclass(frozen=True, slots=True)
class Clip:
    """A new clip and its key frames.

    Attributes
    ----------
    path : pathlib.Path
        A folder of images, or a video.
    onset, apex, offset : int
        Inclusive; for images the last integer of the file name, for a video the 0-based position.
    fps : float or None
        Frames per second; only a model of magnified clips asks for it.
    """

    path: Path
    onset: int
    apex: int
    offset: int
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of a clip.

    Attributes
    ----------
    clip : Clip
    probabilities : dict of str to float
        One a class, most probable first; they sum to 1. Empty if the clip cannot be used.
    problem : str or None
        Why the clip cannot be used.
    """

    clip: Clip
    probabilities: dict[str, float]
    problem: str | None = None


def predict(
    model: str | os.PathLike[str],
    clips: Sequence[Clip],
    *,
    device: str = "auto",
    landmarks: Path | None = None,
) -> list[Prediction]:
    """Return the class probabilities of some clips.

    Parameters
    ----------
    model : path-like
        From ``mer-di train --save-model``.
    clips : sequence of Clip
        Frames of the same kind as those of the training: registered crops if its cache was built without alignment.
    device : {"auto", "cpu", "cuda", "mps"}
    landmarks : pathlib.Path, optional
        Landmark model in place of the bundled one; it has to be the one that the training's cache was built with.

    Returns
    -------
    list of Prediction
        In the order of the clips. One that cannot be used says why, and the others are predicted.

    Raises
    ------
    InputError
        If the model cannot be read, or the landmark model is another than the training's.
    CacheError
        If the training's cache was computed by another method than this version's.
    BackendUnavailableError, MissingDependencyError
        If the device, or the landmark model, is not here.
    """
    saved = load_model(model)
    flow = saved.recipe.flow if saved.config.model.flow_streams else None
    saved = replace(saved, recipe=replace(saved.recipe, flow=flow, apex_jitter=0))  # without what nothing would look at
    _require_landmarks(saved.recipe, landmarks)
    rendered = [_rendered(clip, index, saved.recipe, landmarks) for index, clip in enumerate(clips)]
    usable = iter(_probabilities(saved, [item for item in rendered if not isinstance(item, str)], device))
    return [
        Prediction(clip, {}, item) if isinstance(item, str) else Prediction(clip, next(usable))
        for clip, item in zip(clips, rendered, strict=True)
    ]


def _require_landmarks(recipe: Recipe, landmarks: Path | None) -> None:
    if recipe.landmark_model is None:
        return
    found = model_sha256(landmark_model(landmarks))
    if found != recipe.landmark_model:
        raise InputError(
            f"the model was trained on faces aligned with the landmark model of sha256 {recipe.landmark_model}, and "
            f"the one here has {found}; give that one with --landmark-model"
        )


def _rendered(clip: Clip, index: int, recipe: Recipe, landmarks: Path | None) -> tuple[Entry, RenderedClip] | str:
    try:
        numbers = phases.split(clip.onset, clip.apex, clip.offset, apex_in=recipe.apex_in)
        rising, fading = (range(phase.start - clip.onset, phase.stop - clip.onset) for phase in numbers)
        require_listed(clip.path, range(clip.onset, clip.offset + 1))
        numbered = (clip.onset, clip.apex, clip.offset)
        sample = Sample("new", f"{index:06d}", clip.path.name, *numbered, "", path=clip.path, fps=clip.fps)
        require_rate(sample, recipe)
        plan = PlannedClip(sample, clip.path, clip.onset, clip.apex, clip.offset, "table", rising, fading)
        return cache_entry(plan), render(plan, recipe, landmarks)
    except (InputError, SampleError) as error:
        return str(error)


def _probabilities(
    saved: SavedModel, clips: Sequence[tuple[Entry, RenderedClip]], device: str
) -> list[dict[str, float]]:
    if not clips:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.h5"
        write_cache(path, Provenance("new", "", "", saved.recipe), clips, {})
        config = saved.config
        dataset = DynamicImageDataset(
            path, config.model.streams, normalization=config.normalization, size=config.model.input_size
        )
        images = dataset.load().images
        del dataset  # and with it the open file
    rows = predict_probabilities(saved.network, images, device=choose_device(device))
    ranked = (sorted(zip(saved.classes, row.tolist(), strict=True), key=lambda item: -item[1]) for row in rows)
    return [dict(row) for row in ranked]
