"""One clip to its images: decode a frame, add it to the sums, forget it; warp the sums once."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from mer_di.accumulate import Accumulator
from mer_di.building.plan import PlannedClip
from mer_di.cache import DI_STREAMS, KEY_FRAMES, PHASES, RenderedClip
from mer_di.errors import SampleError
from mer_di.imaging import placement, warp
from mer_di.imaging.face import Face, FaceFinder, smoothed
from mer_di.imaging.frames import Stacks, one_channel, read_frames
from mer_di.memory import empty
from mer_di.rank_pooling import Weights, motion_intensity, motion_ranked
from mer_di.recipe import Recipe, SeveralFaces
from mer_di.weighing import neighbours, recipe_weights

Frame = NDArray[np.uint8]
Crop = NDArray[np.float32]
Matrix = NDArray[np.float64]


def render(clip: PlannedClip, recipe: Recipe, landmark_model: Path | None = None) -> RenderedClip:
    """Compute the dynamic images, key frames and optical flow of one clip.

    Parameters
    ----------
    clip : PlannedClip
        Where its frames are and how they split into phases.
    recipe : Recipe
        How to align, weigh and warp.
    landmark_model : pathlib.Path, optional
        The 5-point model when faces are aligned; the bundled one by default.

    Returns
    -------
    RenderedClip

    Raises
    ------
    CacheError
        If the recipe is of another method than this version's.
    SampleError
        If a frame does not decode, the frame size changes, or the face is not found (see `frames`, `face`).

    Notes
    -----
    With one transform a clip, warping is linear and commutes with the sum: the region of interest is
    accumulated in integers and three float images are warped instead of T frames.
    """
    recipe.require_method()
    key_positions = (0, clip.apex - clip.onset, len(clip.numbers) - 1)
    if recipe.align == "per-frame":
        return _render_each(clip, recipe, key_positions, landmark_model)
    return _render_once(clip, recipe, key_positions, landmark_model)


def _render_once(
    clip: PlannedClip,
    recipe: Recipe,
    key_positions: tuple[int, int, int],
    landmark_model: Path | None,
    *,
    in_colour: bool = False,
) -> RenderedClip:
    """Pool grey frames as one channel, unless ``in_colour``: three equal ones would give the same three times."""
    digest = xxh3_128()
    clip_frames = Stacks(clip.path, clip.numbers, clip.files, digest)
    grey = None if in_colour else one_channel(clip_frames.first)
    first = clip_frames.first if grey is None else grey
    height, width = first.shape[:2]
    matrix = place(first, recipe, recipe.size, landmark_model)
    region = warp.region(matrix, recipe.size, height, width)
    crop = warp.Warp(warp.shifted(matrix, *region), recipe.size, *first[region].shape[:2])
    weights, ranked = _weights(clip, recipe, lambda _position, frame: frame[region])
    images, sums, keys = _images(len(weights), recipe.size), Accumulator(weights), _KeyFrames(recipe)
    begin = 0
    for stack in clip_frames.of(region):
        pixels = stack if grey is None else one_channel(stack)
        if pixels is None:  # frames in colour among grey ones
            return _render_once(clip, recipe, key_positions, landmark_model, in_colour=True)
        sums.add_stack(pixels)
        for at in key_positions:
            if begin <= at < begin + len(pixels):
                keys.add(crop(pixels[at - begin]))
        begin += len(pixels)
    _require_unchanged(clip, digest, ranked)
    for image, total in zip(images, sums.sums(), strict=True):
        image[:] = _rgb(crop(total))
    return _rendered(clip, recipe, images, keys, matrix, (height, width), digest)


def _render_each(
    clip: PlannedClip,
    recipe: Recipe,
    key_positions: tuple[int, int, int],
    landmark_model: Path | None,
) -> RenderedClip:
    """Decode once more: smoothing needs every frame's landmarks before the first frame can be placed."""
    finder = _finder(recipe, landmark_model)
    placed, digest = xxh3_128(), xxh3_128()
    faces = _tracked(finder, read_frames(clip.path, clip.numbers, clip.files, placed))
    tracks = smoothed(np.stack([face.landmarks for face in faces]))
    matrices = [placement.similarity(landmarks, recipe.size) for landmarks in tracks]
    weights, ranked = _weights(clip, recipe, lambda position, frame: warp.warp(frame, matrices[position], recipe.size))
    images, sums, keys = _images(len(weights), recipe.size), Accumulator(weights), _KeyFrames(recipe)
    frame_size = (0, 0)
    for position, frame in enumerate(read_frames(clip.path, clip.numbers, clip.files, digest)):
        frame_size = frame.shape[:2]
        image = warp.warp(frame, matrices[position], recipe.size)
        sums.add(image)
        if position in key_positions:
            keys.add(image)
    _require_unchanged(clip, digest, placed, ranked)
    images[:] = sums.sums()
    return _rendered(clip, recipe, images, keys, matrices[0], frame_size, digest)


def _rendered(
    clip: PlannedClip,
    recipe: Recipe,
    images: Crop,
    keys: "_KeyFrames",
    matrix: Matrix,
    frame_size: tuple[int, int],
    digest: xxh3_128,
) -> RenderedClip:
    """Sort what was pooled: three images, then those of both phases at neighbouring apexes."""
    di, jitter = images[: len(DI_STREAMS)], images[len(DI_STREAMS) :]
    return RenderedClip(
        di,
        keys.frames,
        matrix,
        frame_size,
        digest.hexdigest(),
        flow=keys.flow(),
        jitter=jitter.reshape(len(PHASES), -1, *jitter.shape[1:]) if len(jitter) else None,
        jitter_apex=np.array(_neighbours(clip, recipe), np.int64) + clip.onset if len(jitter) else None,
    )


def _weights(
    clip: PlannedClip, recipe: Recipe, placed: Callable[[int, Frame], NDArray[Any]]
) -> tuple[Weights, xxh3_128 | None]:
    """Return the rows of a clip: three, then those of onset→apex at neighbouring apexes, and those of apex→offset.

    To rank frames by motion they are decoded once more; then the digest of that is returned as well.
    """
    digest, motion = None, None
    if recipe.scheme == motion_ranked.__name__:
        digest = xxh3_128()
        frames = read_frames(clip.path, clip.numbers, clip.files, digest)
        motion = motion_intensity(placed(position, frame) for position, frame in enumerate(frames))
    own, *others = (
        recipe_weights(recipe, len(clip.numbers), apex, fps=clip.sample.fps, motion=motion)
        for apex in (clip.apex - clip.onset, *_neighbours(clip, recipe))
    )
    return np.stack([*own, *(rows[0] for rows in others), *(rows[1] for rows in others)]), digest


def _neighbours(clip: PlannedClip, recipe: Recipe) -> list[int]:
    return neighbours(len(clip.numbers), clip.apex - clip.onset, recipe.apex_jitter, apex_in=recipe.apex_in)


def _require_unchanged(clip: PlannedClip, digest: xxh3_128, *before: xxh3_128 | None) -> None:
    """Refuse a clip that is not the same each time that it is read, for its apex or the images."""
    now = digest.hexdigest()
    if any(then != now for then in (clip.frames_digest or now, *(other.hexdigest() for other in before if other))):
        raise SampleError(
            "clip-changed", f"{clip.path} changed while it was read twice; build again when it is written"
        )


def _images(count: int, size: int) -> Crop:
    images: Crop = empty((count, size, size, 3), np.float32)
    return images


class _KeyFrames:
    """Key frames, rounded as they come; where flow is estimated from them, they are also kept as they were."""

    def __init__(self, recipe: Recipe) -> None:
        self.frames: Frame = empty((len(KEY_FRAMES), recipe.size, recipe.size, 3), np.uint8)
        self._engine = recipe.flow
        self._crops: list[Crop] = []
        self._count = 0

    def add(self, crop: Crop) -> None:
        self.frames[self._count] = _rgb(warp.to_uint8(crop))
        self._count += 1
        if self._engine:
            self._crops.append(crop)

    def flow(self) -> Crop | None:
        if self._engine is None:
            return None
        from mer_di.imaging.flow import flow  # and scikit-image, half a second that no other build has to wait for

        return np.stack([flow(_rgb(a), _rgb(b), engine=self._engine) for a, b in pairwise(self._crops)])


def _tracked(finder: FaceFinder, frames: Iterable[Frame]) -> Iterator[Face]:
    face: Face | None = None
    for frame in frames:
        face = finder.find(frame) if face is None else finder.track(frame, face)
        yield face


def place(first: NDArray[np.uint8], recipe: Recipe, size: int, landmark_model: Path | None = None) -> Matrix:
    """Return the one transform of a clip to crops of a size, from its onset frame.

    Raises
    ------
    SampleError
        If the face is not found.
    """
    if recipe.align != "none":
        return placement.similarity(_finder(recipe, landmark_model).find(first).landmarks, size)
    whole = placement.stretch if recipe.aspect == "stretch" else placement.letterbox
    height, width = first.shape[:2]
    return whole(height, width, size)


def _rgb(crop: NDArray[Any]) -> NDArray[Any]:
    return crop if crop.ndim == 3 else np.broadcast_to(crop[..., np.newaxis], (*crop.shape, 3))


def _finder(recipe: Recipe, landmark_model: Path | None) -> FaceFinder:
    return _loaded_finder(landmark_model, recipe.several_faces or "drop")


@cache
def _loaded_finder(landmark_model: Path | None, several: SeveralFaces) -> FaceFinder:
    """Check and load the model once a process, not once a clip."""
    return FaceFinder(landmark_model, several=several)
