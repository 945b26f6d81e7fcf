"""A contact sheet: samples of a cache side by side, key frames and dynamic images, as one PNG."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer_di.cache import DI_STREAMS, FLOW_STREAMS, KEY_FRAMES, Cache, open_cache
from mer_di.dynamic_images import Image
from mer_di.errors import InputError
from mer_di.files import destination, write_bytes
from mer_di.inspection.flow_colours import IN_WORDS, flow_colours, full_colour
from mer_di.inspection.lettering import drawable, shortened
from mer_di.inspection.pictures import picture

Pixels = NDArray[np.uint8]

RANGES = MappingProxyType(
    {
        "symmetric": "128 + 127·x / max|x|, each image on its own scale; no motion is grey 128",
        "minmax": "smallest value 0, largest 255, each image on its own scale; no motion is no fixed grey",
        "minmax-channel": "each channel from 0 to 255, each image on its own scale; no motion is no fixed colour",
        "raw": "sums Σα·F, mean of R, G, B, one scale for the sheet; longer phases have larger sums",
        "unit-weight": "Σα·F / (Σ|α|/2) in grey levels, mean of R, G, B, one scale for the sheet",
        "l2": "x / √Σx², mean of R, G, B, one scale for the sheet",
    }
)
"""What the pixels of a sheet mean, for each normalization."""

_TITLES = MappingProxyType(
    {
        "onset": "DI-Onset",
        "offset": "DI-Offset",
        "full": "whole clip",
        "flow_onset": "flow, onset",
        "flow_offset": "flow, offset",
    }
)
_GROUND = (232, 232, 232)  # neutral, and not the grey 128 of no motion
_TEXT: dict[str, Any] = {"size": 8, "color": "#111111", "parse_math": False}
_LETTER = 6.5  # pixels, about the width of one
_LEFT_TO_RIGHT = "\u200e"  # an Arabic name would turn the numbers round
_SHORTEST = 12  # letters of a name
_DIVERGING = mpl.colormaps["RdBu_r"]
_WITHIN = 99.5  # percent of the pixels that the common scale holds; the rest is clipped
_DPI = 100
_WIDEST = 1600  # pixels
_GAP, _LINE, _MARGIN = 4, 20, 16  # pixels


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """What was drawn.

    Attributes
    ----------
    path : pathlib.Path
        The PNG.
    sample_ids : list of str
        Of the samples on it, in reading order: by class, then by id.
    matching : int
        How many samples there were to choose from.
    """

    path: Path
    sample_ids: list[str]
    matching: int


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    label: str
    images: list[Pixels]


def write_contact_sheet(
    cache: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    n: int = 24,
    emotion: str | None = None,
    subject: str | None = None,
    streams: Sequence[str] = DI_STREAMS,
    normalization: str = "symmetric",
    side: int = 112,
    frames: bool = True,
) -> ContactSheet:
    """Draw samples of a cache as a PNG: key frames, dynamic images and optical flow, one strip a sample.

    8-bit images are shown as they are. Signed ones (``raw``, ``unit-weight``, ``l2``) are shown in a diverging map
    about zero, on one scale for the whole sheet, which holds 99.5 % of the pixels. Flow has the colours of
    `mer_di.inspection.flow_colours`, on one scale as well.

    Parameters
    ----------
    cache : path-like
        A file that ``mer-di build`` wrote.
    out : path-like
        The PNG; see `mer_di.files.destination`.
    n : int
        At most this many samples, as `spread` takes them; at least 1.
    emotion, subject : str, optional
        Only samples of this class, or of this subject.
    streams : sequence of {"onset", "offset", "full", "flow_onset", "flow_offset"}
    normalization : str
        A mode of `mer_di.normalize`, for dynamic images.
    side : int
        Of each image on the sheet, in pixels.
    frames : bool
        Show key frames, which are faces, where the cache has them.

    Returns
    -------
    ContactSheet

    Raises
    ------
    InputError
        If there is no such class, subject or normalization, listing what there is, a number is not positive, or
        nothing can be written there.
    CacheError
        If the cache cannot be read, or has no such stream.
    """
    if normalization not in RANGES:
        raise InputError(f"normalization is {normalization!r}; expected one of {', '.join(RANGES)}")
    if n < 1 or side < 1:
        raise InputError(f"n is {n} and side is {side}; expected positive numbers")
    destination(out, [cache])
    with open_cache(cache) as opened:
        matching = _matching(opened, emotion, subject)
        rows = spread(opened, matching, n)
        dynamic, moving = ([name for name in streams if (name in FLOW_STREAMS) == flow] for flow in (False, True))
        images = [[picture(opened, stream, row, normalization) for stream in dynamic] for row in rows]
        flows = [[opened.images(stream)[row] for stream in moving] for row in rows]
        end, full = _end_of_scale(images), full_colour([flow for row in flows for flow in row]) if moving else 1.0
        shown = KEY_FRAMES if frames and opened.has_frames else ()
        strips = [
            _strip(opened, row, shown, _coloured(images[index], end, flows[index], full), side)
            for index, row in enumerate(rows)
        ]
        name, dataset = drawable(opened.path.name), drawable(opened.attributes["dataset"])
        caption = (
            f"{name}: {len(rows)} of {len(matching)} samples; {dataset}, scheme {opened.recipe.scheme}. "
            "Over each strip: sample, emotion, frame numbers of onset–apex–offset."
        )
        caption += f"\nDynamic images {normalization}: {RANGES[normalization]}." if dynamic else ""
        caption += f"\nOptical flow: {IN_WORDS}; full colour from {full:.2g} pixels on." if moving else ""
        ids = [str(name) for name in opened.column("sample_id")[rows]]
    write_bytes(out, _draw(strips, [*shown, *(_TITLES[stream] for stream in [*dynamic, *moving])], caption, end))
    return ContactSheet(Path(out), ids, len(matching))


def spread(cache: Cache, candidates: Sequence[int], n: int) -> list[int]:
    """Choose samples that show as many classes and subjects as they can; no chance is involved.

    One at a time: of the class that was taken least often, of the subject that was, and of these the first by id.

    Parameters
    ----------
    cache : Cache
    candidates : sequence of int
        0-based rows of the cache.
    n : int
        How many to choose; all if there are fewer.

    Returns
    -------
    list of int
        Rows, by class in label order, then by sample id.
    """
    emotions, subjects = cache.column("emotion").tolist(), cache.column("subject").tolist()
    by_class: Counter[str] = Counter()
    by_subject: Counter[str] = Counter()
    left = sorted(candidates)
    taken: list[int] = []
    while left and len(taken) < n:
        row = min(left, key=lambda r: (by_class[emotions[r]], by_subject[subjects[r]], r))
        left.remove(row)
        taken.append(row)
        by_class[emotions[row]] += 1
        by_subject[subjects[row]] += 1
    return sorted(taken, key=lambda r: (emotions[r], r))


def _matching(cache: Cache, emotion: str | None, subject: str | None) -> list[int]:
    rows = list(range(len(cache)))
    for noun, column, wanted in (("class", "emotion", emotion), ("subject", "subject", subject)):
        values = cache.column(column)
        found = sorted({str(values[row]) for row in rows})
        if wanted is not None and wanted not in found:
            among = f" among those of class {emotion!r}" if emotion and noun == "subject" else ""
            raise InputError(f"{cache.path} has no {noun} {wanted!r}{among}; it has {', '.join(found)}")
        rows = [row for row in rows if wanted in (None, values[row])]
    return rows


def _end_of_scale(images: list[list[Image]]) -> float | None:
    """Return the magnitude at which the colours of signed images end; None for 8-bit ones."""
    signed = [np.abs(image.mean(axis=-1)) for row in images for image in row if image.dtype != np.uint8]
    return (float(np.percentile(signed, _WITHIN)) or 1.0) if signed else None


def _label(sample_id: str, emotion: str, numbers: str, room: int) -> str:
    """Return what stands over a strip, in ``room`` letters: names are shortened, numbers are not."""
    left = max(2 * _SHORTEST, room - len(numbers) - 6)
    emotion = shortened(drawable(emotion), left // 2)
    name = shortened(drawable(sample_id), left - len(emotion))
    return f"{name}   {emotion}   {_LEFT_TO_RIGHT}{numbers}"


def _coloured(
    images: list[Image], end: float | None, flows: list[NDArray[np.float32]], full: float
) -> list[NDArray[Any]]:
    drawn = images if end is None else [_in_colour(image, end) for image in images]
    return [*drawn, *(flow_colours(flow, full) for flow in flows)]


def _strip(cache: Cache, row: int, key_frames: Sequence[str], images: Sequence[Pixels], side: int) -> _Strip:
    sample_id, emotion = (cache.column(name)[row] for name in ("sample_id", "emotion"))
    numbers = "–".join(str(cache.column(name)[row]) for name in KEY_FRAMES)
    shown = [*(cache.key_frames(name)[row] for name in key_frames), *images]
    room = int(_Grid(1, len(shown), side).column / _LETTER)
    return _Strip(_label(sample_id, emotion, numbers, room), [_resized(image, side) for image in shown])


def _in_colour(image: Image, end: float) -> Pixels:
    coloured: Pixels = _DIVERGING(Normalize(-end, end)(image.mean(axis=-1)), bytes=True)[..., :3]
    return coloured


def _resized(image: Pixels, side: int) -> Pixels:
    method = cv2.INTER_AREA if side < len(image) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), np.uint8)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where things lie on the sheet, in pixels from its top left corner."""

    strips: int
    images: int
    side: int

    @property
    def step(self) -> int:
        return self.side + _GAP

    @property
    def column(self) -> int:
        return self.images * self.step - _GAP + _MARGIN

    @property
    def abreast(self) -> int:
        return max(1, min(self.strips, (_WIDEST - _MARGIN) // self.column))

    @property
    def width(self) -> int:
        return _MARGIN + self.abreast * self.column

    @property
    def bottom(self) -> int:
        return self.corner(self.strips - 1 + self.abreast - (self.strips - 1) % self.abreast)[1]

    def corner(self, strip: int) -> tuple[int, int]:
        """Return x, y of a strip's label; its images begin a line below."""
        down, across = divmod(strip, self.abreast)
        return _MARGIN + across * self.column, 2 * _LINE + down * (_LINE + self.side + 2 * _GAP)


def _draw(strips: list[_Strip], headings: list[str], caption: str, end: float | None) -> bytes:
    grid = _Grid(len(strips), len(headings), len(strips[0].images[0]))
    lines = [line for text in caption.splitlines() for line in wrap(text, max(20, int(grid.width / _LETTER)))]
    height = grid.bottom + (len(lines) + (1 if end is None else 3)) * _LINE
    figure = Figure((grid.width / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(_mosaic(strips, grid, height), interpolation="none", aspect="auto")
    for column in range(grid.abreast):
        for position, heading in enumerate(headings):
            middle = grid.corner(column)[0] + position * grid.step + grid.side / 2
            axes.text(middle, _LINE, heading, **_TEXT, ha="center", va="center", weight="bold")
    for index, strip in enumerate(strips):
        x, y = grid.corner(index)
        axes.text(x, y + _LINE - 5, strip.label, **_TEXT, va="baseline")
    for number, line in enumerate(lines):
        axes.text(_MARGIN, grid.bottom + (number + 0.5) * _LINE, line, **_TEXT, va="center")
    if end is not None:
        _draw_scale(figure, end)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _mosaic(strips: list[_Strip], grid: _Grid, height: int) -> Pixels:
    pixels = np.full((height, grid.width, 3), _GROUND, np.uint8)
    for index, strip in enumerate(strips):
        x, y = grid.corner(index)
        for position, image in enumerate(strip.images):
            left = x + position * grid.step
            pixels[y + _LINE : y + _LINE + grid.side, left : left + grid.side] = image
    return pixels


def _draw_scale(figure: Figure, end: float) -> None:
    width, height = figure.get_size_inches() * _DPI
    axes = figure.add_axes((_MARGIN / width, 1.5 * _LINE / height, 240 / width, 8 / height))
    bar = figure.colorbar(ScalarMappable(Normalize(-end, end), _DIVERGING), cax=axes, orientation="horizontal")
    bar.ax.tick_params(labelsize=7, length=2, pad=1)
