"""Samples to look at: key frames, dynamic images and the clip as a line, small on the page and large on demand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mer_di.cache import DI_STREAMS, FLOW_STREAMS, KEY_FRAMES, Cache
from mer_di.inspection.flow_colours import IN_WORDS
from mer_di.inspection.flow_colours import WITHIN as WITHIN_FLOW
from mer_di.recipe import Recipe
from mer_di.report.encoding import (
    LEVELS,
    WITHIN,
    SignedPicture,
    diverging_colours,
    flow_thumbnail,
    frame_thumbnail,
    full_frame,
    signed_picture,
    signed_thumbnail,
)
from mer_di.report.timeline import Timeline, timeline
from mer_di.streams import DynamicStream
from mer_di.weighing import sample_weights

ROOM = 33_000_000
"""Bytes for all full images of a page: with their base64 and the thumbnails of 300 samples below 60 MB."""
_FRAMES_SHARE = 0.25
_COMMON = 95  # percentile of the pictures' limits in grey levels


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run said of a sample.

    Attributes
    ----------
    label, predicted : str
    probability : float
        Of the predicted class.
    of_label : float
        The probability that the true class got.
    """

    label: str
    predicted: str
    probability: float
    of_label: float


@dataclass(frozen=True, slots=True)
class Card:
    """One sample of a gallery.

    Attributes
    ----------
    sample_id, subject, emotion, apex_source, action_units : str
    energy : float
        Root mean square of both phase images in grey levels (raw sums over Σ|α| / 2).
    lengths : tuple of int
        Frames of the rising and of the fading phase.
    frames, images, flows : dict of str to str
        Thumbnails by name of the key frame and of the stream, as data URIs.
    timeline : Timeline
    full : dict
        ``frames`` and ``images`` in full size, for the page's script.
    verdict : Verdict or None
    """

    sample_id: str
    subject: str
    emotion: str
    apex_source: str
    action_units: str
    energy: float
    lengths: tuple[int, int]
    frames: dict[str, str]
    images: dict[str, str]
    flows: dict[str, str]
    timeline: Timeline
    full: dict[str, Any]
    verdict: Verdict | None = None


def make_cards(cache: Cache, rows: Sequence[int], room: float, *, frames: bool = True) -> list[Card]:
    """Prepare samples of a cache for a gallery.

    Parameters
    ----------
    cache : Cache
        Open.
    rows : sequence of int
        0-based rows of the cache, in the order of the gallery.
    room : float
        Bytes that the full images of one sample may take.
    frames : bool
        Show key frames, where the cache has them.

    Returns
    -------
    list of Card
    """
    samples, recipe = list(cache.rows("samples")), cache.recipe
    shown = KEY_FRAMES if frames and cache.has_frames else ()
    return [_card(cache, row, samples[row], recipe, room, shown) for row in rows]


def viewer_settings(cards: Iterable[Card]) -> dict[str, Any]:
    """Return what the page's script needs for every picture.

    Returns
    -------
    dict
        ``colours``: the diverging map, [r, g, b] from the negative to the positive end. ``levels``: steps of the
        symmetric code on either side. ``within``: percent of pixels that a diverging picture does not clip.
        ``greys``: the common range, in grey levels, of pictures that are to be compared with each other. ``flow``: what
        the colours of flow mean.
    """
    limits = [
        picture["limit"] / picture["half_weights"]
        for card in cards
        for picture in card.full["images"].values()
        if picture["half_weights"] > 0
    ]
    greys = float(f"{np.percentile(limits, _COMMON):.2g}") if limits else 1.0
    return {
        "colours": diverging_colours().tolist(),
        "levels": LEVELS,
        "within": WITHIN,
        "greys": greys or 1.0,
        "flow": f"{IN_WORDS}; full colour from the length on that {WITHIN_FLOW} % of its own pixels keep below",
    }


def _card(
    cache: Cache, row: int, sample: dict[str, Any], recipe: Recipe, room: float, key_frames: Sequence[str]
) -> Card:
    weights = sample_weights(recipe, sample)
    half = np.abs(weights).sum(axis=1) / 2
    frames = {name: cache.key_frames(name)[row] for name in key_frames}
    raw = {name: cache.images(name)[row] for name in DI_STREAMS}
    signed_room, frame_room = (int(room * part / 3) for part in (1 - _FRAMES_SHARE, _FRAMES_SHARE))
    signed = {
        name: signed_picture(image, float(weight), signed_room)
        for (name, image), weight in zip(raw.items(), half, strict=True)
    }
    return Card(
        sample_id=str(sample["sample_id"]),
        subject=str(sample["subject"]),
        emotion=cache.classes[sample["label"]],
        apex_source=_apex_source(cache, sample),
        action_units=str(sample["action_units"]),
        energy=_energy([raw["onset"], raw["offset"]], half[:2].tolist()),
        lengths=(int(sample["onset_length"]), int(sample["offset_length"])),
        frames={name: frame_thumbnail(frame) for name, frame in frames.items()},
        images={name: signed_thumbnail(image, signed[name].limit) for name, image in raw.items()},
        flows={name: flow_thumbnail(cache.images(name)[row]) for name in FLOW_STREAMS if cache.has_flow},
        timeline=timeline(sample, recipe, weights),
        full=_full({name: full_frame(frame, frame_room) for name, frame in frames.items()}, signed),
    )


def _apex_source(cache: Cache, sample: Mapping[str, Any]) -> str:
    source = str(sample["apex_source"])
    confidence = float(sample["apex_confidence"]) if cache.has_confidences else np.nan
    return source if np.isnan(confidence) else f"{source}, confidence {confidence:.2f}"


def _full(frames: Mapping[str, str], images: Mapping[DynamicStream, SignedPicture]) -> dict[str, Any]:
    return {"frames": frames, "images": {name: asdict(picture) for name, picture in images.items()}}


def _energy(images: Sequence[Any], half_weights: Sequence[float]) -> float:
    pairs = zip(images, half_weights, strict=True)
    squares = [np.mean((image / (half or 1)) ** 2, dtype=np.float64) for image, half in pairs]
    return float(np.sqrt(np.mean(squares)))
