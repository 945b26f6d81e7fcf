"""How far spotted apexes lie from the true ones, on drawn clips, against other ways to guess them.

    python benchmarks/spotting.py [--quick]

Clips are drawn as MMEW's camera and that of CASME II (cropped) would film them, with each emotion, and read from onset
to offset. The apex is drawn anew, evenly between a fifth and four fifths of the clip, so that the middle is no good
guess; except in the condition *as drawn*. Conditions change one thing each, then several at once. What is measured is
the distance to the frame in which the drawn expression is strongest, in frames and as a share of the clip's length.

Published ways are repeated from their papers, with what these leave open chosen here: figures of the ideas, not of
their authors' programs. The figures go to ``benchmarks/results/<date>-spotting.json``.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from machine import keep, machine
from numpy.typing import NDArray
from scipy.signal import find_peaks
from skimage.feature import local_binary_pattern

from mer_di.imaging import placement, warp
from mer_di.imaging.flow import ENGINES
from mer_di.imaging.image import decode_image
from mer_di.imaging.spotting import SIDE, spot_apex, without_light_and_head
from mer_di.streams import FlowEngine
from mer_di.synthetic.drawing import CASME2_CROPPED, MMEW, Take, film, stage
from mer_di.synthetic.expression import EMOTIONS, profile

Frames = list[NDArray[np.uint8]]
Crops = NDArray[np.float32]  # grey, (T, S, S)
Filmed = tuple[Take, Callable[[Frames], Frames]]

CROP = 2 * SIDE  # what the other ways look at
AROUND = 0.10  # share of the length within which an apex counts as found
BANDS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of confidence


# Conditions: how a clip is filmed, and what becomes of its frames


def as_filmed(frames: Frames) -> Frames:
    """Leave frames alone."""
    return frames


def encoded(frames: Frames, quality: int) -> Frames:
    """Save frames as JPEG twice, as a converted copy is."""
    for rate in (92, quality):
        files = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, rate])[1] for frame in frames]
        frames = [decode_image(file.tobytes(), "a frame of the copy") for file in files]
    return frames


def blinking(frames: Frames, take: Take, middle: float, width: float) -> Frames:
    """Push both upper lids down by up to 4 pixels for some frames."""
    y, x = np.mgrid[: take.height, : take.width].astype(np.float32)
    eyes, reach = take.camera.eye_distance, np.float32(0.09 * take.camera.eye_distance)
    down = sum(
        np.exp(
            -((x - take.pose.x - side * eyes / 2) ** 2 + (y - take.pose.y + 12 * take.pose.zoom) ** 2) / 2 / reach**2
        )
        for side in (-1, 1)
    )
    closed = np.exp(-(((np.arange(len(frames)) - middle) / width) ** 2))
    lids = (y - np.float32(4 * share) * down for share in closed)
    return [
        cv2.remap(frame, x, lid, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
        for frame, lid in zip(frames, lids, strict=True)
    ]


def drifting_light(take: Take, rng: np.random.Generator) -> Take:
    """Let the light grow or fade by 4 to 10 %, evenly."""
    change = rng.uniform(0.04, 0.10) * rng.choice([-1, 1])
    return replace(take, light=take.light * (1 + change * np.linspace(0, 1, take.length)))


def noisy(take: Take, noise: float) -> Take:
    """Film with a noisier sensor."""
    return replace(take, camera=replace(take.camera, noise=noise))


def scaled(take: Take, share: float) -> Take:
    """Show less of the expression."""
    return replace(take, intensity=share * take.intensity)


def abrupt(take: Take) -> Take:
    """Let the expression jump up and die away: no triangle, and not what the drawing usually does."""
    time = np.arange(take.length)
    rise = np.clip((time - take.onset) / (take.apex - take.onset), 0, 1) ** 3
    decay = np.exp(-3 * (time - take.apex) / (take.offset - take.apex))
    return replace(take, intensity=np.where(time <= take.apex, rise, decay))


def lingering(take: Take) -> Take:
    """Leave half of the expression at the offset."""
    after = np.arange(take.length) > take.apex
    return replace(take, intensity=np.where(after, 0.5 + 0.5 * take.intensity, take.intensity))


def in_any_place(take: Take, rng: np.random.Generator) -> Take:
    """Draw the apex anew."""
    apex = take.onset + round(rng.uniform(0.2, 0.8) * (take.offset - take.onset))
    return replace(take, apex=apex, intensity=profile(take.length, take.onset, apex, take.offset, rng))


def blink(take: Take, rng: np.random.Generator) -> Filmed:
    """Blink once, for a tenth of the clip."""
    span = take.offset - take.onset
    return take, partial(blinking, take=take, middle=rng.uniform(0.1, 0.9) * span, width=0.05 * span)


def everything(take: Take, rng: np.random.Generator) -> Filmed:
    """Combine light, noise, head and JPEG."""
    worse = noisy(drifting_light(replace(take, drift=3 * take.drift), rng), 3.0)
    return worse, partial(encoded, quality=int(rng.integers(60, 76)))


CONDITIONS: dict[str, Callable[[Take, np.random.Generator], Filmed]] = {
    "as drawn": lambda take, rng: (take, as_filmed),
    "any apex": lambda take, rng: (take, as_filmed),
    "light drifts 4–10 %": lambda take, rng: (drifting_light(take, rng), as_filmed),
    "noise σ 5": lambda take, rng: (noisy(take, 5.0), as_filmed),
    "JPEG 60–75": lambda take, rng: (take, partial(encoded, quality=int(rng.integers(60, 76)))),
    "head moves 4 times as far": lambda take, rng: (replace(take, drift=4 * take.drift), as_filmed),
    "light, noise σ 3, head × 3, JPEG": everything,
    "0.4 of the strength": lambda take, rng: (scaled(take, 0.4), as_filmed),
    "abrupt, dies away": lambda take, rng: (abrupt(take), as_filmed),
    "half is left at the offset": lambda take, rng: (lingering(take), as_filmed),
    "a blink": blink,
}
NOTHING = "no expression"


# Ways to guess


def midpoint(crops: Crops) -> int:
    """Take the middle."""
    return (len(crops) - 1) // 2


def largest_difference(crops: Crops) -> int:
    """Take the frame that differs most from the onset."""
    return int(np.abs(crops - crops[0]).mean(axis=(1, 2)).argmax())


def largest_cleaned_difference(crops: Crops) -> int:
    """Do the same without light and head, as the spotter takes them out."""
    smooth = np.stack([cv2.GaussianBlur(crop, (0, 0), 2) for crop in crops])
    changes = without_light_and_head(smooth.reshape(len(crops), SIDE, 2, SIDE, 2).mean(axis=(2, 4), dtype=np.float64))
    return int(np.linalg.norm(changes - changes[0], axis=1).argmax())


def largest_flow(crops: Crops, engine: FlowEngine) -> int:
    """Take the frame to which most moves from the onset."""
    return int(np.argmax([np.linalg.norm(ENGINES[engine](crops[0], crop), axis=-1).mean() for crop in crops]))


def lbp_differences(crops: Crops, blocks: int = 5) -> NDArray[np.float64]:
    """Return 1 - the correlation of each frame's block-wise LBP histograms with the onset's."""
    side = CROP // blocks
    histograms = []
    for crop in crops:
        patterns = local_binary_pattern(np.rint(crop).astype(np.uint8), 8, 1, "uniform").astype(int)
        cells = patterns[: blocks * side, : blocks * side].reshape(blocks, side, blocks, side).swapaxes(1, 2)
        histograms.append([np.bincount(cell, minlength=10) for cell in cells.reshape(blocks**2, -1)])
    flat = np.array(histograms, float).reshape(len(crops), -1)
    return 1 - np.array([np.corrcoef(flat[0], row)[0, 1] for row in flat])


def lbp_peak(crops: Crops) -> int:
    """Take the frame whose texture correlates least with the onset's (Yan et al., 2014)."""
    return int(lbp_differences(crops).argmax())


def lbp_divided(crops: Crops) -> int:
    """Halve the clip, keep the half with more in its peaks, and so on (Liong et al., 2015)."""
    differences = lbp_differences(crops)
    peaks, _ = find_peaks(differences)
    low, high = 0, len(crops)
    while len(peaks) > 1:
        middle = (low + high) // 2
        left, right = peaks[peaks < middle], peaks[peaks >= middle]
        low, high, peaks = (
            (low, middle, left) if differences[left].sum() > differences[right].sum() else (middle, high, right)
        )
    return int(peaks[0]) if len(peaks) else int(differences.argmax())


def fastest_change(crops: Crops, blocks: int = 6, least: float = 4.0) -> int:
    """Take the middle of the window with the largest high-band amplitude in 36 blocks' spectra (Li et al., 2018)."""
    length = 2 * (len(crops) // 16) + 3
    side = CROP // blocks
    along, across = np.fft.fftfreq(length) * length, np.fft.fftfreq(side) * side
    high = np.sqrt(along[:, None, None] ** 2 + across[:, None] ** 2 + across**2) >= least
    cells = crops[:, : blocks * side, : blocks * side].reshape(-1, blocks, side, blocks, side).transpose(1, 3, 0, 2, 4)
    windows = [cells[:, :, start : start + length] for start in range(len(crops) - length + 1)]
    return length // 2 + int(np.argmax([(np.abs(np.fft.fftn(w, axes=(2, 3, 4))) * high).sum() for w in windows]))


GUESSES: dict[str, Callable[[Crops], int]] = {
    "midpoint": midpoint,
    "largest difference from the onset": largest_difference,
    "the same, without light and head": largest_cleaned_difference,
    "largest flow from the onset": partial(largest_flow, engine="farneback"),
    "LBP correlation (Yan et al.)": lbp_peak,
    "LBP, divide and conquer (Liong et al.)": lbp_divided,
    "high frequencies (Li et al.)": fastest_change,
}
OURS = "**spot**"


def takes(count: int) -> Iterator[Take]:
    """Stage clips of every emotion before both cameras."""
    emotions = list(EMOTIONS)
    for number in range(count):
        yield stage(
            emotions[number // 2 % len(emotions)],
            subject=1 + number // 2 % 4,
            take=1 + number // (2 * len(emotions)),
            seed=0,
            camera=(MMEW, CASME2_CROPPED)[number % 2],
        )


def filmed(take: Take, develop: Callable[[Frames], Frames]) -> Frames:
    """Draw a clip from onset to offset."""
    return develop(list(film(take, range(take.onset, take.offset + 1))))


def cropped(frames: Frames) -> Crops:
    """Return grey crops of whole frames."""
    height, width = frames[0].shape[:2]
    crop = warp.Warp(placement.stretch(height, width, CROP), CROP, height, width)
    return np.stack([crop(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in frames])


def summary(errors: list[int], lengths: list[int]) -> dict[str, float]:
    """Describe distances to the truth."""
    shares = np.array(errors) / (np.array(lengths) - 1)
    return {
        "median, frames": float(np.median(errors)),
        "p75, frames": float(np.percentile(errors, 75)),
        "median, share": float(np.median(shares)),
        "p75, share": float(np.percentile(shares, 75)),
        "found": float(np.mean(shares <= AROUND)),
    }


def bands(confidences: list[float], shares: list[float]) -> list[dict[str, float]]:
    """Describe distances to the truth by how sure the spotter was."""
    sure, far = np.array(confidences), np.array(shares)
    found = []
    for low, high in itertools.pairwise(BANDS):
        inside = (sure >= low) & ((sure < high) | (high == BANDS[-1]))
        if inside.any():
            share, count = float(np.mean(far[inside] <= AROUND)), int(inside.sum())
            found.append({"from": low, "to": high, "clips": count, "found": share})
    return found


def main() -> None:
    """Measure everything and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=27, help="a condition")
    parser.add_argument("--quick", action="store_true", help="two clips a condition: to see whether everything runs")
    given = parser.parse_args()
    count = 2 if given.quick else given.clips
    before = machine()
    cv2.setNumThreads(1)
    found: dict[str, dict[str, dict[str, float]]] = {}
    confidences: dict[str, list[float]] = {}
    shares: list[float] = []
    for index, (name, condition) in enumerate([*CONDITIONS.items(), (NOTHING, None)]):
        errors: dict[str, list[int]] = {guess: [] for guess in (*GUESSES, OURS)}
        lengths, sure = [], []
        for number, staged in enumerate(takes(count)):
            rng = np.random.default_rng([index, number])
            take = staged if name == "as drawn" else in_any_place(staged, rng)
            take, develop = condition(take, rng) if condition else (scaled(take, 0.0), as_filmed)
            frames, apex = filmed(take, develop), take.apex - take.onset
            spotted = spot_apex(frames, placement.stretch(take.height, take.width, SIDE), len(frames))
            sure.append(spotted.confidence)
            if condition:
                crops = cropped(frames)
                lengths.append(len(frames))
                for guess, way in GUESSES.items():
                    errors[guess].append(abs(way(crops) - apex))
                errors[OURS].append(abs(spotted.position - apex))
                shares.append(errors[OURS][-1] / (len(frames) - 1))
        confidences[name] = sure
        if condition:
            found[name] = {guess: summary(far, lengths) for guess, far in errors.items()}
            print(name, {guess: round(of["found"], 2) for guess, of in found[name].items()}, flush=True)
    told = [value for name, values in confidences.items() if name != NOTHING for value in values]
    record = {
        "quick": given.quick,
        "clips": count,
        "around": AROUND,
        "conditions": found,
        "confidence": {name: np.percentile(values, [25, 50, 75]).tolist() for name, values in confidences.items()},
        "found by confidence": bands(told, shares),
    }
    keep("spotting", before, record)


if __name__ == "__main__":
    main()
