"""The figures of the site, each drawn from what the library computes, in whatever colour text has at that moment."""

from functools import cache
from typing import Any

import lookalikes
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer_di import dynamic_image, normalize, phase_dynamic_images
from mer_di.accumulate import weighted_sums
from mer_di.imaging.warp import to_uint8, warp
from mer_di.rank_pooling import SCHEMES, arp, phase_weights, reversed_arp
from mer_di.synthetic import draw_clip

mpl.use("Agg")
STYLE: dict[Any, object] = {"axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True}
ONSET, OFFSET, WHOLE = "#d1732b", "#3b7fc4", "#8a8f98"  # told apart by every kind of colour vision, on white and black
_SHOWN = {"minmax": (0, 255), "symmetric": (0, 255), "unit-weight": (-10, 10)}  # normalization to its black and white
Image = NDArray[Any]


@cache
def _clip() -> tuple[Image, int]:
    """Return a drawn surprise from onset to offset, and its apex (0-based)."""
    drawn = draw_clip("surprise", subject=7)
    return drawn.frames[drawn.onset : drawn.offset + 1], drawn.apex - drawn.onset


def cancellation() -> Figure:
    """Show how an expression comes and goes, and the weights that three images give to its frames."""
    frames, apex = _clip()
    last = len(frames) - 1
    moved = _share_of_the_apex(frames, apex)
    rows = phase_weights(len(frames), range(apex + 1), range(apex, last + 1))
    titles = ("onset→apex", "apex→offset", "whole clip")
    figure, (above, below) = plt.subplots(2, 1, figsize=(7.4, 4.4), sharex=True, height_ratios=(1, 1.2))
    above.fill_between(range(last + 1), moved, color=WHOLE, alpha=0.35, linewidth=0)
    above.plot(moved, color=_ink())
    above.axvline(apex, color=_ink(), linewidth=0.8, linestyle=":")
    above.set_ylabel("expression\n(apex = 1)")
    for row, title, colour in zip(rows, titles, (ONSET, OFFSET, WHOLE), strict=True):
        scaled = row / (np.abs(row).sum() / 2)
        seen = scaled @ moved
        used = np.flatnonzero(scaled) if title != "whole clip" else np.arange(last + 1)
        below.plot(
            used,
            scaled[used],
            color=colour,
            marker="o",
            markersize=3,
            label=f"{title}: Σ weight × expression = {seen:+.2f}",
        )
    below.axhline(0, color=_ink(), linewidth=0.8)
    below.axvline(apex, color=_ink(), linewidth=0.8, linestyle=":")
    below.set(xlabel=f"frame (0-based); apex {apex}", ylabel="weight ⁄ (Σ|α|⁄2)")
    below.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=1)
    return figure


def phase_images() -> Figure:
    """Show the three images of one expression on one scale."""
    frames, apex = _clip()
    phases = phase_dynamic_images(frames, apex, normalization="unit-weight")
    whole = dynamic_image(frames, normalization="unit-weight")
    figure = plt.figure(figsize=(7.4, 5.0))
    (top,), (bottom,) = figure.subfigures(2, 1, height_ratios=(1, 1.15), squeeze=False)
    shown = {f"onset, frame 0 of {len(frames) - 1}": 0, f"apex, {apex}": apex, f"offset, {len(frames) - 1}": -1}
    for axes, (title, index) in zip(top.subplots(1, 3), shown.items(), strict=True):
        axes.imshow(frames[index])
        _titled(axes, title)
    _signed(bottom, {"DI-Onset": phases.onset, "DI-Offset": phases.offset, "whole clip": whole})
    return figure


def reversal() -> Figure:
    """Show that Eq. 3 is Eq. 2 on the frames in reverse order."""
    frames, apex = _clip()
    fading = frames[apex:]
    n = len(fading)
    figure = plt.figure(figsize=(7.4, 4.6))
    (top,), (bottom,) = figure.subfigures(2, 1, height_ratios=(1, 1.15), squeeze=False)
    forwards, backwards = top.subplots(1, 2, sharey=True)
    _stems(forwards, range(1, n + 1), reversed_arp(n), OFFSET)
    forwards.set(title="Eq. 3: T+1−2t, frames in order", xlabel="t")
    _stems(backwards, range(1, n + 1), arp(n), OFFSET)
    backwards.set(title="Eq. 2: 2t−T−1, frames in reverse", xlabel="t of the reversed phase")
    half = np.abs(arp(n)).sum() / 2
    ours = weighted_sums(fading, reversed_arp(n))[0]
    theirs = weighted_sums(fading[::-1], arp(n))[0]
    _signed(
        bottom,
        {"Eq. 3": ours / half, "Eq. 2, reversed": theirs / half, "difference": (ours - theirs) / half},
    )
    return figure


def schemes() -> Figure:
    """Show three rows of weights on the rising phase, and their images."""
    frames, apex = _clip()
    rising = frames[: apex + 1]
    titles = {"arp": "simplified", "harmonic_arp": "harmonic", "harmonic_legacy": "harmonic, mistaken port"}
    rows = {title: SCHEMES[name](len(rising)) for name, title in titles.items()}
    figure = plt.figure(figsize=(7.4, 4.6))
    (top,), (bottom,) = figure.subfigures(2, 1, height_ratios=(1, 1.15), squeeze=False)
    for axes, (title, row) in zip(top.subplots(1, 3), rows.items(), strict=True):
        _stems(axes, range(1, len(row) + 1), row, ONSET)
        axes.set(title=title, xlabel=f"t;  Σα = {row.sum():g}")
    images = [weighted_sums(rising, row)[0] / (np.abs(row).sum() / 2) for row in rows.values()]
    _signed(bottom, dict(zip(rows, images, strict=True)), common=False)
    return figure


def normalizations() -> Figure:
    """Show one expression at two strengths, and another face, under three normalizations."""
    frames, apex = _clip()
    rising = frames[: apex + 1].astype(float)
    other = draw_clip("happiness", subject=3)
    clips = {
        "surprise": rising,
        "a third of it": rising[0] + (rising - rising[0]) / 3,
        "another face": other.frames[other.onset : other.apex + 1],
    }
    figure, panels = plt.subplots(3, 3, figsize=(7.4, 7.8))
    for line, (name, clip) in zip(panels, clips.items(), strict=True):
        weights = arp(len(clip))
        image = weighted_sums(clip, weights)[0].mean(axis=-1)
        for axes, (mode, bounds) in zip(line, _SHOWN.items(), strict=True):
            axes.imshow(normalize(image, mode, weights=weights), cmap="gray", vmin=bounds[0], vmax=bounds[1])
            _titled(axes, f"{name}: {mode}\nno motion is {_of_no_motion(image, mode, weights):g}")
    return figure


def warp_once() -> Figure:
    """Show what is lost when every frame is warped to 8 bits before the sum."""
    exact, errors = warp_errors()
    spread = float(exact.std())
    figure = plt.figure(figsize=(7.4, 2.9))
    titles = {"dynamic image": exact} | {
        f"{name}\nerror {100 * error.std() / spread:.2g} % of its sd": error for name, error in errors.items()
    }
    _signed(figure, titles, scales=(None, spread / 2, spread / 2))
    return figure


@cache
def warp_errors() -> tuple[Image, dict[str, Image]]:
    """Return DI-Onset by warping every frame in floats, and the errors of two other ways."""
    frames, apex = _clip()
    rising, size = frames[: apex + 1], 112
    weights = arp(len(rising))
    turn = np.deg2rad(6)
    scale = size / rising.shape[1]
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = (np.array(rising.shape[2:0:-1]) - 1) / 2
    matrix = np.column_stack([rotation, (size - 1) / 2 - rotation @ centre])
    warped = [warp(frame, matrix, size) for frame in rising]
    exact = np.tensordot(weights.astype(float), np.array(warped, np.float64), axes=1)
    rounded = np.tensordot(weights, np.array([to_uint8(image) for image in warped], np.int64), axes=1)
    once = warp(weighted_sums(rising, weights)[0], matrix, size)
    return exact, {"each frame, 8 bits": rounded - exact, "sum, warped once": once - exact}


def inflation() -> Figure:
    """Show what choosing the best epoch on the tested subject does to a network that guesses."""
    tested, epochs = guessing()
    figure, axes = plt.subplots(figsize=(7.4, 2.9))
    axes.plot(
        range(1, len(epochs) + 1),
        100 * epochs,
        color=ONSET,
        label="best epoch of each fold, chosen on its test subject",
    )
    axes.axhline(100 * tested, color=OFFSET, label="any epoch chosen without the test subject")
    axes.set(xlabel="epochs to choose from", ylabel="accuracy, %", ylim=(0, None))
    axes.legend()
    return figure


@cache
def guessing(epochs: int = 50, repeats: int = 200, seed: int = 0) -> tuple[float, NDArray[np.float64]]:
    """Simulate LOSO on CASME II with guesses at even odds: chance, and the best of 1..epochs on the test subject."""
    classes = sum(count >= 10 for count in lookalikes.CASME2_2014.values())
    sizes = np.array(list(lookalikes.CASME2_ROWS_PER_SUBJECT.values()))
    correct = np.random.default_rng(seed).binomial(sizes, 1 / classes, (repeats, epochs, len(sizes)))
    best = np.maximum.accumulate(correct, axis=1).sum(axis=2) / sizes.sum()
    return 1 / classes, best.mean(axis=0)


def _signed(
    figure: Any,  # noqa: ANN401 - a figure or a part of one
    images: dict[str, Image],
    *,
    common: bool = True,
    scales: tuple[float | None, ...] = (),
) -> None:
    """Show images, grey, zero-centred, on one scale, or each on the scale that it is given or has."""
    grey = [image.mean(axis=-1) for image in images.values()]
    own = [max(float(np.percentile(np.abs(image), 99.5)), 1e-9) for image in grey]
    limits = [max(own)] * len(own) if common else own
    limits = [scale or limit for scale, limit in zip(scales or (None,) * len(own), limits, strict=True)]
    panels = figure.subplots(1, len(images))
    for axes, (title, image, limit) in zip(panels, zip(images, grey, limits, strict=True), strict=True):
        drawn = axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        _titled(axes, title)
        if len(set(limits)) > 1:
            figure.colorbar(drawn, ax=axes, shrink=0.75)
    if len(set(limits)) == 1:
        figure.colorbar(drawn, ax=panels, shrink=0.85, label="grey levels")


def _share_of_the_apex(frames: Image, apex: int, around: int = 2) -> NDArray[np.float64]:
    """Return how much of the apex each frame shows, 0 at the ends; means of neighbours keep the noise out."""
    pixels = frames.reshape(len(frames), -1).astype(float)
    neutral = np.concatenate([pixels[: around + 1], pixels[-around - 1 :]]).mean(axis=0)
    change = pixels[apex - around : apex + around + 1].mean(axis=0) - neutral
    share: NDArray[np.float64] = (pixels - neutral) @ change / (change @ change)
    return share


def _of_no_motion(image: Image, mode: str, weights: NDArray[np.int64]) -> float:
    marked = image.copy()
    marked[0, 0] = 0
    return float(normalize(marked, mode, weights=weights)[0, 0])


def _ink() -> str:
    return str(mpl.rcParams["text.color"])


def _stems(axes: Axes, positions: range, values: Image, colour: str) -> None:
    axes.vlines(positions, 0, values, color=colour, linewidth=1.5)
    axes.plot(positions, values, "o", color=colour, markersize=3.5)
    axes.axhline(0, color=_ink(), linewidth=0.8)


def _titled(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()
