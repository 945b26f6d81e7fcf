"""Pictures that go into a page: thumbnails, and full images whose values a browser can read back."""

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mer_di.dynamic_images import normalize
from mer_di.inspection.flow_colours import flow_colours, full_colour

THUMBNAIL = 112
LEVELS = 127
"""Steps of a symmetric code on either side of zero."""
WITHIN = 99.5
"""Percent of the pixels that a diverging picture shows without clipping."""
_QUALITIES = (95, 92, 88, 82, 75, 65, 50, 35, 20, 10)
_WORTH_TRYING = 0.2  # bytes a value; images of real faces take about 0.3 without loss

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SignedPicture:
    """A dynamic image in a form that a browser can normalize again.

    Attributes
    ----------
    source : str
        Data URI of its symmetric code, uint8 RGB: 128 + 127·x / ``peak``.
    peak : float
        Largest absolute value of the raw sums.
    limit : float
        The absolute value below which `WITHIN` percent of the pixels' channel means lie; positive.
    half_weights : float
        Σ|α| / 2: raw sums divided by it are grey levels.
    worst, typical : float
        Largest and root mean square difference, in steps of the code, between the stored picture and the exact code.
        Zero where it is stored without loss.
    """

    source: str
    peak: float
    limit: float
    half_weights: float
    worst: float
    typical: float


def diverging_colours() -> NDArray[np.uint8]:
    """Return (255, 3) uint8 RGB colours, 2·`LEVELS` + 1: blue below zero, white, red above; colour-blind safe."""
    colours = mpl.colormaps["RdBu_r"].resampled(2 * LEVELS + 1)(np.arange(2 * LEVELS + 1))
    found: Pixels = np.rint(255 * np.asarray(colours)[:, :3]).astype(np.uint8)
    return found


def frame_thumbnail(frame: Pixels) -> str:
    """Return a frame, (S, S, 3) uint8 RGB, as a small data URI."""
    return _webp(_shrunk(Image.fromarray(frame)), quality=78)


def signed_thumbnail(image: NDArray[np.float32], limit: float) -> str:
    """Return a dynamic image, (S, S, 3) float32, as a small data URI: its channel mean in diverging colours.

    Parameters
    ----------
    image : ndarray of float32, shape (S, S, 3)
        Raw sums.
    limit : float
        Where the colours end, on both sides of zero.
    """
    mean = np.asarray(_shrunk(Image.fromarray(image.mean(axis=2, dtype=np.float32))))
    return _webp(Image.fromarray(diverging(mean, limit)), quality=82)


def flow_thumbnail(flow: NDArray[np.float32]) -> str:
    """Return a flow, (S, S, 3) float32, as a small data URI in the colours of `flow_colours`, on its own scale."""
    return _webp(_shrunk(Image.fromarray(flow_colours(flow, full_colour([flow])))), quality=82)


def diverging(values: NDArray[np.floating[Any]], limit: float) -> Pixels:
    """Return values in diverging colours, (..., 3) uint8 RGB, zero white and ±``limit`` the ends."""
    steps = np.rint(LEVELS * np.clip(values / limit, -1, 1)).astype(np.intp)
    colours: Pixels = diverging_colours()[LEVELS + steps]
    return colours


def colour_limit(image: NDArray[np.float32]) -> float:
    """Return the absolute value below which `WITHIN` percent of a dynamic image's channel means lie, always positive.

    The largest where that is zero, and 1 where all are zero.
    """
    strength = np.abs(image.mean(axis=2))
    return float(np.percentile(strength, WITHIN) or strength.max()) or 1.0


def full_frame(frame: Pixels, room: int) -> str:
    """Return a frame, (S, S, 3) uint8 RGB, as a data URI of about ``room`` bytes at most."""
    return _uri("webp", _fitting(Image.fromarray(frame), room, "webp", method=1))


def signed_picture(image: NDArray[np.float32], half_weights: float, room: int) -> SignedPicture:
    """Store a dynamic image's symmetric code: without loss where ``room`` bytes are enough, else as a JPEG.

    Parameters
    ----------
    image : ndarray of float32, shape (S, S, 3)
        Raw sums.
    half_weights : float
        Σ|α| / 2 of its row of weights.
    room : int
        Bytes that it may take.
    """
    code = normalize(image, "symmetric")
    picture = Image.fromarray(code)
    measured = {"peak": float(np.abs(image).max()), "limit": colour_limit(image), "half_weights": half_weights}
    if room >= _WORTH_TRYING * code.size:
        exact = _encoded(picture, "webp", lossless=True, quality=20, method=1)
        if len(exact) <= room:
            return SignedPicture(_uri("webp", exact), **measured, worst=0, typical=0)
    lossy = _fitting(picture, room, "jpeg", subsampling=0)
    error = np.asarray(Image.open(BytesIO(lossy))).astype(np.float64) - code
    worst, typical = float(np.abs(error).max()), float(np.sqrt(np.mean(error**2)))
    return SignedPicture(_uri("jpeg", lossy), **measured, worst=worst, typical=typical)


def overlay(frame: Pixels, heat: NDArray[np.floating[Any]]) -> str:
    """Return a grey frame with a map over it, as a data URI.

    Parameters
    ----------
    frame : ndarray of uint8, shape (S, S, 3), RGB
    heat : ndarray of float, shape (h, w)
        Within 0..1; enlarged bilinearly. Where it is 0 the frame shows, where it is 1 the colour hides most of it.
    """
    size = frame.shape[1::-1]
    smooth = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    colours = 255 * mpl.colormaps["inferno"](np.clip(smooth, 0, 1))[..., :3]
    share = 0.75 * np.clip(smooth, 0, 1)[..., np.newaxis]
    grey = frame.mean(axis=2, keepdims=True)
    return _webp(Image.fromarray(np.rint((1 - share) * grey + share * colours).astype(np.uint8)), quality=85)


def _shrunk(picture: Image.Image) -> Image.Image:
    side = min(THUMBNAIL, *picture.size)
    return picture.resize((side, side), Image.Resampling.BOX)


def _fitting(picture: Image.Image, room: int, kind: str, **options: int) -> bytes:
    """Return the best quality that fits into ``room`` bytes; the lowest if none does."""
    for quality in _QUALITIES:
        found = _encoded(picture, kind, quality=quality, **options)
        if len(found) <= room:
            break
    return found


def _encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _webp(picture: Image.Image, quality: int) -> str:
    return _uri("webp", _encoded(picture, "webp", quality=quality, method=2))


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
