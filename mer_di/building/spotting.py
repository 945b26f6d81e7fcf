"""The apex of a clip whose table has none that is usable: looked for in the frames, before anything is rendered."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

from xxhash import xxh3_128

from mer_di import phases
from mer_di.building.plan import PlannedClip
from mer_di.building.rendering import place
from mer_di.imaging.frames import one_channel, read_frames
from mer_di.imaging.spotting import SIDE, spot_apex
from mer_di.recipe import Recipe


def spotted(clip: PlannedClip, recipe: Recipe, landmark_model: Path | None = None) -> PlannedClip:
    """Find the apex of a clip in its frames.

    Parameters
    ----------
    clip : PlannedClip
    recipe : Recipe
        Faces are placed as it says, with one transform a clip, that of the onset frame, also for ``per-frame``.
    landmark_model : pathlib.Path, optional
        See `mer_di.building.rendering.render`.

    Returns
    -------
    PlannedClip
        The same clip with this apex. One whose apex is known is returned as it is.

    Raises
    ------
    SampleError
        ``apex-not-found``, or because of the frames or the face as when it is rendered.
    """
    if clip.apex_source != "unspotted":
        return clip
    digest = xxh3_128()
    frames = read_frames(clip.path, clip.numbers, clip.files, digest)
    first = next(frames)
    grey = one_channel(first)
    matrix = place(first if grey is None else grey, recipe, SIDE, landmark_model)
    length = len(clip.numbers)
    found = spot_apex(
        chain([first], frames), matrix, length, positions=phases.apexes(0, length - 1, apex_in=recipe.apex_in)
    )
    rising, fading = phases.split(0, found.position, length - 1, apex_in=recipe.apex_in)
    return replace(
        clip,
        apex=clip.onset + found.position,
        apex_source="spotted",
        onset_phase=rising,
        offset_phase=fading,
        apex_confidence=found.confidence,
        frames_digest=digest.hexdigest(),
    )
