"""Which optical flow sees a micro-expression: known motions of 0.25 to 2 pixels, and motions that are none.

    python benchmarks/flow.py [--faces FOLDER] [--quick]

A face is moved by a smooth field that is known to the last digit: a bump of the skin at a brow, at the mouth, at a
cheek, wide (σ 14 px) or narrow (σ 6 px), or the whole face. Every engine, and settings of it that one could choose
instead, says

* how much of the bump's height it sees at its peak, on clean pictures;
* how far it is from the truth, around the bump, when both pictures come from a camera: noise of σ 1.6 levels, saved as
  JPEG of quality 93. Bias and noise meet in this figure, so it decides which engine is the default;
* what moves where nothing does: a still face from that camera, and the same picture twice.

Faces are drawn; with ``--faces`` they are the photographs of a folder. Figures are for crops of 224 pixels and go to
``benchmarks/results/<date>-flow-<faces>.json``.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import keep, machine
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.registration import optical_flow_ilk, optical_flow_tvl1

from mer_di.imaging import placement, warp
from mer_di.imaging.face import FaceFinder
from mer_di.imaging.flow import ENGINES
from mer_di.imaging.image import decode_image
from mer_di.synthetic import draw_clip

Image = NDArray[np.float32]
Estimator = Callable[[Image, Image], Image]

SIZE = 224
PLACES = {"brow": (150, 62), "mouth": (92, 160), "cheek": (70, 128)}  # x, y in a crop
BUMPS = [(14, 0.25), (14, 0.5), (14, 1.0), (14, 2.0), (6, 0.5)]  # σ and height, in pixels
DIRECTIONS = np.deg2rad([20, 110])
NOISE, QUALITY = 1.6, 93


def dis(preset: int, finest: int | None, first: Image, second: Image) -> Image:
    """Search with one of OpenCV's presets, down to a scale of its own or of ours."""
    search = cv2.DISOpticalFlow.create(preset)
    if finest is not None:
        search.setFinestScale(finest)
    before, after = (np.rint(picture).astype(np.uint8) for picture in (first, second))
    found: Image = search.calc(before, after, None)  # type: ignore[call-overload]  # an array would be a first guess
    return found


def ilk(first: Image, second: Image, **settings: int | bool | float) -> Image:
    """Call scikit-image's ILK with settings of its own."""
    return np.dstack(optical_flow_ilk(first, second, dtype=np.float32, **settings)[::-1])


def tvl1(scale: float, first: Image, second: Image, **settings: int | bool | float) -> Image:
    """Call scikit-image's TV-L1 on values divided by ``scale``."""
    return np.dstack(optical_flow_tvl1(first / scale, second / scale, dtype=np.float32, **settings)[::-1])


def farneback_of_unit_range(first: Image, second: Image) -> Image:
    """Call OpenCV's Farneback on values in 0..1."""
    return ENGINES["farneback"](first / np.float32(255), second / np.float32(255))


ESTIMATORS: dict[str, Estimator] = {
    **{f"**{name}**": engine for name, engine in ENGINES.items()},
    "ilk, radius 5": partial(ilk, radius=5),
    "ilk, radius 10": partial(ilk, radius=10),
    "ilk, median filter": partial(ilk, prefilter=True),
    "tvl1 on 0..255": partial(tvl1, 1),
    "tvl1, attachment 30": partial(tvl1, 255, attachment=30),
    "farneback on 0..1": farneback_of_unit_range,
    "dis, preset ultrafast": partial(dis, cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST, None),
    "dis, preset fast": partial(dis, cv2.DISOPTICAL_FLOW_PRESET_FAST, None),
    "dis, preset medium": partial(dis, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, None),
}


def drawn_faces() -> Iterator[Image]:
    """Yield grey crops of four drawn people."""
    for subject in (1, 2, 3, 4):
        frame = draw_clip("happiness", subject=subject).frames[0]
        height, width = frame.shape[:2]
        yield grey(warp.warp(frame, placement.stretch(height, width, SIZE), SIZE))


def photographed_faces(folder: Path) -> Iterator[Image]:
    """Yield grey crops of the one face in each photograph of a folder."""
    finder = FaceFinder()
    for path in sorted(folder.iterdir()):
        frame = decode_image(path.read_bytes(), str(path))
        matrix = placement.similarity(finder.find(frame).landmarks, SIZE)
        yield grey(warp.warp(frame, matrix, SIZE))


def grey(crop: Image) -> Image:
    """Return the luma of an RGB crop."""
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32, copy=False)


def moved(face: Image, motion: Image) -> Image:
    """Return the picture from which the flow to ``face`` is exactly this motion."""
    y, x = np.mgrid[:SIZE, :SIZE]
    source = [y + motion[..., 1], x + motion[..., 0]]
    picture: Image = map_coordinates(face, source, order=5, mode="nearest").clip(0, 255).astype(np.float32)
    return picture


def bumps(place: tuple[int, int], sigma: float, height: float) -> Iterator[Image]:
    """Yield the motion of a bump of the skin in two directions, (S, S, 2)."""
    y, x = np.mgrid[:SIZE, :SIZE]
    bump = height * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * sigma**2))
    for angle in DIRECTIONS:
        yield np.dstack([np.cos(angle) * bump, np.sin(angle) * bump])


def recovered(estimate: Estimator, face: Image, place: tuple[int, int], sigma: float, height: float) -> float:
    """Return the share of a bump's height that is seen at its peak; the mean over directions."""
    x, y = place
    seen = [estimate(moved(face, motion), face)[y, x] @ motion[y, x] for motion in bumps(place, sigma, height)]
    return float(np.mean(seen)) / height**2


def error(estimate: Estimator, face: Image, place: tuple[int, int], sigma: float, height: float) -> float:
    """Return the distance from the truth around a bump, in pixels, on a camera's pictures; root mean square."""
    x, y = place
    around = np.s_[y - 2 * sigma : y + 2 * sigma, x - 2 * sigma : x + 2 * sigma]
    second = photographed(face, 2)
    wrong = [
        length_of((estimate(photographed(moved(face, motion), 1), second) - motion)[around])
        for motion in bumps(place, sigma, height)
    ]
    return root_mean_square(wrong)


def recovered_shift(estimate: Estimator, face: Image, length: float) -> float:
    """Return the share of a shift of the whole face that is seen, in the median of the inner pixels."""
    inner = slice(30, SIZE - 30)
    motion = np.broadcast_to((length, 0.0), (SIZE, SIZE, 2))
    return float(np.median(estimate(moved(face, motion), face)[inner, inner, 0])) / length


def photographed(face: Image, seed: int) -> Image:
    """Return what a camera would give of a still face."""
    noisy = face + np.random.default_rng(seed).normal(0, NOISE, face.shape)
    _, encoded = cv2.imencode(".jpg", np.rint(noisy).clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return decode_image(encoded.tobytes(), "a picture of the camera")[..., 0].astype(np.float32)


def length_of(motion: Image) -> Image:
    """Return how far each pixel moves."""
    return np.hypot(motion[..., 0], motion[..., 1])


def root_mean_square(lengths: list[Image]) -> float:
    """Return the root of the mean square over all pixels of all pictures."""
    return float(np.sqrt(np.mean(np.square(lengths))))


def measure(estimate: Estimator, faces: list[Image]) -> dict[str, Any]:
    """Measure one estimator on all faces; means over the faces, the largest for equal pictures."""
    shown: dict[str, dict[str, float]] = {"recovered": {}, "error, px": {}}
    for (sigma, height), (place, at) in itertools.product(BUMPS, PLACES.items()):
        for name, look in (("recovered", recovered), ("error, px", error)):
            seen = [look(estimate, face, at, sigma, height) for face in faces]
            shown[name][f"{place}, σ {sigma} px, {height} px"] = statistics.mean(seen)
    still = [length_of(estimate(photographed(face, 1), photographed(face, 2))) for face in faces]
    started = time.perf_counter()
    equal = [float(length_of(estimate(face, face)).max()) for face in faces]
    seconds = time.perf_counter() - started
    return {
        **shown,
        "shift of 0.25 px": statistics.mean(recovered_shift(estimate, face, 0.25) for face in faces),
        "shift of 1 px": statistics.mean(recovered_shift(estimate, face, 1.0) for face in faces),
        "noise floor, px": root_mean_square(still),
        "equal pictures, px": max(equal),
        "ms a pair": 1000 * seconds / len(faces),
    }


def main() -> None:
    """Measure everything and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", type=Path, help="photographs with one face each, instead of drawn faces")
    parser.add_argument("--quick", action="store_true", help="one face: to see whether everything runs")
    given = parser.parse_args()
    before = machine()
    faces = list(photographed_faces(given.faces) if given.faces else drawn_faces())[: 1 if given.quick else None]
    found = {}
    for name, estimate in ESTIMATORS.items():
        found[name] = measure(estimate, faces)
        means = {
            key: statistics.mean(value.values()) if isinstance(value, dict) else value
            for key, value in found[name].items()
        }
        print(name, {key: round(value, 3) for key, value in means.items()}, flush=True)
    origin = "photographed" if given.faces else "drawn"
    record = {"quick": given.quick, "opencv": cv2.__version__, "size": SIZE, "faces": len(faces), "estimators": found}
    keep(f"flow-{origin}", before, record)


if __name__ == "__main__":
    main()
