"""Class probabilities of new clips, through the same preparation as the samples that a model was trained on.

The clips are rendered into a small cache, and the model reads that cache: what a sample of the training went through,
a new clip goes through.
"""

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mer_di.building.entry import cache_entry
from mer_di.building.faults import require_fault_of_data
from mer_di.building.plan import PlannedClip, plan_clip
from mer_di.building.rendering import render
from mer_di.building.spotting import spotted
from mer_di.cache import Entry, Provenance, RenderedClip, write_cache
from mer_di.errors import InputError, SampleError
from mer_di.imaging.face import landmark_model, model_sha256
from mer_di.imaging.frames import frames_digest
from mer_di.learning.devices import choose_device
from mer_di.learning.saved_model import SavedModel, load_model
from mer_di.learning.views import clip_probabilities, images_read
from mer_di.phases import ApexPolicy
from mer_di.recipe import Recipe
from mer_di.sample import Sample


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
    network = Network.read(model, device=device, landmarks=landmarks)
    samples = [
        Sample("new", "", clip.path.name, clip.onset, clip.apex, clip.offset, "", path=clip.path, fps=clip.fps)
        for clip in clips
    ]
    found = network.outcomes(samples, policy="drop")
    return [_prediction(clip, network.saved.classes, outcome) for clip, outcome in zip(clips, found, strict=True)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a network says of a sample.

    Attributes
    ----------
    probabilities : tuple of float
        One a class, in label order; empty if the sample cannot be used.
    apex : int or None
        The apex that was used; None if the sample cannot be.
    problem : str
        Why it cannot be used, ``kind: detail``; else empty.
    frames : str
        Of which frames it is said; see `mer_di.imaging.frames.frames_digest`. Empty if the sample cannot be used.
    """

    probabilities: tuple[float, ...] = ()
    apex: int | None = None
    problem: str = ""
    frames: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A saved model, and what it runs on.

    Attributes
    ----------
    saved : SavedModel
    device : str
    landmarks : pathlib.Path or None
        Landmark model in place of the bundled one.
    """

    saved: SavedModel
    device: str
    landmarks: Path | None

    @classmethod
    def read(cls, model: str | os.PathLike[str], *, device: str, landmarks: Path | None) -> "Network":
        """Read a model; see `predict`."""
        saved = load_model(model)
        saved.recipe.require_method()
        _require_landmarks(saved.recipe, landmarks)
        flow = saved.recipe.flow if saved.config.model.needs_flow else None
        recipe = replace(saved.recipe, flow=flow, apex_jitter=0)  # without what nothing would look at
        return cls(replace(saved, recipe=recipe), choose_device(device), landmarks)

    def outcomes(
        self, samples: Sequence[Sample], policy: ApexPolicy | None = None, workers: Executor | None = None
    ) -> list[Outcome]:
        """Render samples and classify each on its own: what is said of one does not depend on its company.

        Parameters
        ----------
        samples : sequence of Sample
        policy : {"drop", "midpoint", "spot"}, optional
            In place of the recipe's, for an apex that makes no sense.
        workers : concurrent.futures.Executor, optional
            Where clips are rendered; here by default.

        Returns
        -------
        list of Outcome
            One a sample, in their order.
        """
        recipe = self.saved.recipe
        plans = [
            _planned(sample, recipe if policy is None else replace(recipe, apex_policy=policy)) for sample in samples
        ]
        render_all = map if workers is None else workers.map
        rendered = list(render_all(partial(_rendered, recipe=recipe, landmarks=self.landmarks), plans))
        usable = iter(self._probabilities([each for each in rendered if not isinstance(each, str)]))
        return [
            Outcome(problem=each)
            if isinstance(each, str)
            else Outcome(next(usable), each[0].apex, frames=each[1].frames_digest)
            for each in rendered
        ]

    def frames_of(self, samples: Sequence[Sample], workers: Executor | None = None) -> list[str]:
        """Return the digest of the frames of each sample as they are now; empty for one that cannot be read.

        Parameters
        ----------
        samples, workers
            See `outcomes`.
        """
        return list((map if workers is None else workers.map)(partial(_frames, recipe=self.saved.recipe), samples))

    def _probabilities(self, clips: Sequence[tuple[PlannedClip, RenderedClip]]) -> list[tuple[float, ...]]:
        if not clips:
            return []
        model = self.saved.config.model
        if model.test_images == "per-image":  # of a clip there is one answer
            model = replace(model, test_images="mean-of-phases")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clips.h5"
            entries = [(_numbered(number, plan), images) for number, (plan, images) in enumerate(clips)]
            write_cache(path, Provenance("new", "", "", self.saved.recipe), entries, {})
            dataset = images_read(path, self.saved.config)
            images = dataset.load().images
            del dataset  # and with it the open file
        each = (
            clip_probabilities(self.saved.network, of_clip, model, device=self.device) for of_clip in images[:, None]
        )
        return [tuple(row) for (row,) in (found.tolist() for found in each)]


def _prediction(clip: Clip, classes: Sequence[str], outcome: Outcome) -> Prediction:
    if outcome.problem:
        return Prediction(clip, {}, outcome.problem)
    ranked = sorted(zip(classes, outcome.probabilities, strict=True), key=lambda item: -item[1])
    return Prediction(clip, dict(ranked))


def _require_landmarks(recipe: Recipe, landmarks: Path | None) -> None:
    if recipe.landmark_model is None:
        return
    found = model_sha256(landmark_model(landmarks))
    if found != recipe.landmark_model:
        raise InputError(
            f"the model was trained on faces aligned with the landmark model of sha256 {recipe.landmark_model}, and "
            f"the one here has {found}; give that one with --landmark-model"
        )


def _planned(sample: Sample, recipe: Recipe) -> PlannedClip | str:
    if sample.path is None:
        return f"clip-not-found: nothing lies at {sample.sought}"
    try:
        return plan_clip(sample, recipe)
    except SampleError as error:
        require_fault_of_data(error)
        return str(error)


def _frames(sample: Sample, recipe: Recipe) -> str:
    plan = _planned(sample, recipe)
    if isinstance(plan, str):
        return ""
    try:
        return frames_digest(plan.path, plan.numbers, plan.files)
    except SampleError as error:
        require_fault_of_data(error)
        return ""


def _rendered(
    plan: PlannedClip | str, recipe: Recipe, landmarks: Path | None
) -> tuple[PlannedClip, RenderedClip] | str:
    if isinstance(plan, str):
        return plan
    try:
        known = spotted(plan, recipe, landmarks)
        return known, render(known, recipe, landmarks)
    except SampleError as error:
        require_fault_of_data(error)
        return str(error)


def _numbered(number: int, plan: PlannedClip) -> Entry:
    """Name a clip by its place: rows of a cache stand in the order of their names."""
    return cache_entry(replace(plan, sample=replace(plan.sample, subject="new", clip=f"{number:06d}", event=None)))
