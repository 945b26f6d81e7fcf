"""How a clip is filmed: a camera, a small head movement, a light that flickers, a sensor that is never quiet."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError
from mer_di.synthetic import anatomy
from mer_di.synthetic.anatomy import Floats
from mer_di.synthetic.expression import EMOTIONS, Expression, express, profile
from mer_di.synthetic.identity import Identity, Portrait, Window, invent, landmarks, paint

_DENSITY: Final = 1.4  # portrait pixels per frame pixel: a second interpolation then costs little sharpness
_BELOW_EYES: Final = 12.0  # where the camera points at, in pixels of the photograph
_BANK: Final = 32  # each frame sees another window of one field of sensor noise, this much larger than the frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera and what a database keeps of its pictures.

    Attributes
    ----------
    width, height : int
        Frame size in pixels.
    eye_distance : float
        Distance between the pupils, in pixels. It sets the scale of everything, movements included.
    lengths : (int, float, int)
        Shortest, median and longest span onset..offset in frames.
    spread : float
        Standard deviation of the logarithm of that span.
    around : (int, int)
        Least and most frames kept before the onset and after the offset; each is drawn for itself.
    crop_spread : int
        Frame width and height vary from clip to clip by up to so many pixels, as those of hand-made crops do.
    wander : float
        Standard deviation of the face's place in the frame, from clip to clip, in pixels.
    noise : float
        Standard deviation of the sensor noise, in grey levels.
    grey : bool
        Whether the three channels are equal.
    """

    width: int
    height: int
    eye_distance: float
    lengths: tuple[int, float, int]
    spread: float
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    crop_spread: int = 0
    wander: float = 1.0
    noise: float = 1.6
    grey: bool = False


CASME2_RAW: Final = Camera(
    width=640,
    height=480,
    eye_distance=100,
    lengths=(24, 61, 141),
    spread=0.42,
    before=(15, 60),
    after=(10, 40),
    wander=7,
)
CASME2_CROPPED: Final = Camera(
    width=280, height=340, eye_distance=100, lengths=(24, 61, 141), spread=0.42, before=(15, 60), after=(10, 40),
    crop_spread=16,
)  # fmt: skip
SAMM: Final = Camera(
    width=960, height=650, eye_distance=140, lengths=(30, 73, 101), spread=0.24, wander=12, noise=2.0, grey=True
)
MMEW: Final = Camera(width=231, height=231, eye_distance=85, lengths=(14, 34, 72), spread=0.33, after=(0, 5))


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head stands before the camera: frame pixels per face unit, place of the face's centre, turns."""

    zoom: float
    x: float
    y: float
    roll: float
    yaw: float


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """Everything about a clip except its pixels; positions are 0-based, all inclusive.

    Attributes
    ----------
    person : Identity
    camera : Camera
    emotion : str
    length : int
        Frames from the first before the onset to the last after the offset.
    onset, apex, offset : int
        Positions in the clip.
    expression : Expression
        Scaled to ``amplitude``.
    amplitude : float
        Largest displacement of any point of the face at the apex, in pixels of the frame.
    intensity : ndarray of float64, shape (length,), 0..1
        How much of the expression each frame shows.
    width, height : int
        Frame size in pixels.
    pose : Pose
    drift : ndarray of float64, shape (length, 3)
        The head's movement: right and down in pixels, clockwise in radians.
    light : ndarray of float64, shape (length,)
        Brightness of each frame as a factor.
    windows : ndarray of int64, shape (length, 2)
        Which part of the noise field each frame sees.
    noise_seed : int
    """

    person: Identity
    camera: Camera
    emotion: str
    length: int
    onset: int
    apex: int
    offset: int
    expression: Expression
    amplitude: float
    intensity: NDArray[np.float64]
    width: int
    height: int
    pose: Pose
    drift: NDArray[np.float64]
    light: NDArray[np.float64]
    windows: NDArray[np.int64]
    noise_seed: int


def stage(emotion: str, *, subject: int, take: int, seed: int, camera: Camera) -> Take:
    """Decide everything about a clip, from these five alone.

    Parameters
    ----------
    emotion : str
        A key of `mer_di.synthetic.expression.EMOTIONS`.
    subject, take, seed : int
        Who, which of the person's clips of this emotion, and which world; each 0 or more.
    camera : Camera

    Returns
    -------
    Take

    Raises
    ------
    InputError
        If the emotion is unknown or a number is negative.
    """
    if emotion not in EMOTIONS:
        raise InputError(f"emotion is {emotion!r}; expected one of {', '.join(EMOTIONS)}")
    if min(subject, take, seed) < 0:
        raise InputError(f"subject, take and seed are {subject}, {take}, {seed}; expected numbers of 0 or more")
    person = invent(seed, subject)
    points = landmarks(person)
    rng = np.random.default_rng((seed, subject, list(EMOTIONS).index(emotion), take))
    onset, apex, offset, length = _timing(camera, rng)
    expression = express(emotion, points, np.random.default_rng((seed, subject, 0)), rng)
    amplitude = float(rng.uniform(1.0, 2.0)) * camera.eye_distance / MMEW.eye_distance
    width, height = (side + int(rng.integers(-camera.crop_spread, camera.crop_spread + 1)) for side in _sides(camera))
    pose = _pose(camera, _zoom(camera, points), width, height, rng)
    return Take(
        person=person,
        camera=camera,
        emotion=emotion,
        length=length,
        onset=onset,
        apex=apex,
        offset=offset,
        expression=expression.scaled(amplitude / pose.zoom),
        amplitude=amplitude,
        intensity=profile(length, onset, apex, offset, rng),
        width=width,
        height=height,
        pose=pose,
        drift=_drift(length, rng)
        * (camera.eye_distance / MMEW.eye_distance, camera.eye_distance / MMEW.eye_distance, 1),
        light=1 + 0.006 * _wandering(length, rng) + 0.0015 * rng.standard_normal(length),
        windows=rng.integers(0, _BANK + 1, (length, 2)),
        noise_seed=int(rng.integers(2**31)),
    )


def film(take: Take, positions: range) -> Iterator[NDArray[np.uint8]]:
    """Draw frames of a clip.

    Parameters
    ----------
    take : Take
    positions : range
        0-based positions in the clip, within ``range(take.length)``.

    Yields
    ------
    ndarray of uint8, shape (take.height, take.width, 3), RGB, or (take.height, take.width) if the camera is grey
    """
    portrait = _portrait(take.person, take.camera)
    x, y, u, v, dark = _maps(take, portrait.window)
    across, down = anatomy.grid(take.height, take.width)
    across, down = across - np.float32(take.width / 2), down - np.float32(take.height / 2)
    if portrait.image.ndim == 3:
        dark = cv2.merge([dark, dark, dark])
    field = _noise_field(take, portrait.image.ndim)
    for position in positions:
        share, light = float(take.intensity[position]), float(take.light[position])
        right, below, turn = (take.drift[position] * _DENSITY).tolist()
        column = cv2.scaleAdd(down, turn, cv2.addWeighted(x, 1, u, -share, -right))
        row = cv2.scaleAdd(across, -turn, cv2.addWeighted(y, 1, v, -share, -below))
        image = cv2.remap(portrait.image, column, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        image = cv2.addWeighted(image, light, cv2.multiply(image, dark), -share * light, 0)
        top, left = take.windows[position]
        noise = field[top : top + take.height, left : left + take.width]
        yield cv2.add(image, noise, dtype=cv2.CV_8U).astype(np.uint8, copy=False)  # rounds and saturates


def _sides(camera: Camera) -> tuple[int, int]:
    return camera.width, camera.height


def _timing(camera: Camera, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Onset, apex, offset and length: lengths are log-normal and know nothing of the emotion."""
    shortest, median, longest = camera.lengths
    span = int(np.clip(round(median * np.exp(camera.spread * rng.normal())), shortest, longest))
    before = int(rng.integers(camera.before[0], camera.before[1] + 1))
    after = int(rng.integers(camera.after[0], camera.after[1] + 1))
    share = float(np.clip(rng.normal(0.46, 0.10), 0.2, 0.8))
    return before, before + round(share * (span - 1)), before + span - 1, before + span + after


def _zoom(camera: Camera, points: dict[str, tuple[float, float]]) -> float:
    return camera.eye_distance / float(np.hypot(*np.subtract(points["eye_r"], points["eye_l"])))


def _pose(camera: Camera, zoom: float, width: int, height: int, rng: np.random.Generator) -> Pose:
    place = np.clip(rng.normal(0, 1, 2), -2, 2) * camera.wander
    return Pose(
        zoom=zoom * float(rng.uniform(0.98, 1.02)),
        x=width / 2 + float(place[0]),
        y=height / 2 + float(place[1]),
        roll=float(np.clip(rng.normal(0, 0.2 * camera.wander), -3, 3)) * np.pi / 180,
        yaw=float(np.clip(rng.normal(0, 1.2), -2.5, 2.5)),
    )


def _wandering(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a slow random path around 0, of about unit size whatever the length of the clip."""
    time = np.linspace(0, 1, length)
    waves = [rng.normal() / k * np.cos(2 * np.pi * (0.5 * k * time + rng.random())) for k in (1, 2, 3, 4)]
    return np.asarray(np.sum(waves, axis=0))


def _drift(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    right, below, turn = (_wandering(length, rng) for _ in range(3))
    return np.stack([0.25 * right, 0.25 * below, 0.0008 * turn], axis=1)


def _noise_field(take: Take, dimensions: int) -> Floats:
    shape = (take.height + _BANK, take.width + _BANK, 3)[:dimensions]
    noise = np.random.default_rng(take.noise_seed).standard_normal(shape, dtype=np.float32)
    return noise * np.float32(take.camera.noise)


@lru_cache(maxsize=8)
def _portrait(person: Identity, camera: Camera) -> Portrait:
    """Paint as much of a person as the camera can see in any of the clips."""
    points = landmarks(person)
    zoom = _zoom(camera, points) * _DENSITY
    margin = 1.04 + 2 * (2.2 * camera.wander + camera.crop_spread + 4) / min(camera.width, camera.height)
    height, width = round(camera.height * margin * _DENSITY), round(camera.width * margin * _DENSITY)
    x, y = _centre(points)
    return paint(person, Window(x - width / 2 / zoom, y - height / 2 / zoom, zoom, height, width), grey=camera.grey)


def _centre(points: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Find what the camera points at: between and below the eyes."""
    x, y = np.add(points["eye_l"], points["eye_r"]) / 2
    return float(x), float(y) + _BELOW_EYES


def _maps(take: Take, window: Window) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Map each frame pixel to what it shows at rest, and to what the expression changes there, in portrait pixels."""
    pose, points = take.pose, landmarks(take.person)
    across, down = anatomy.grid(take.height, take.width)
    across, down = across - np.float32(pose.x), down - np.float32(pose.y)
    lean = np.arctan2(*np.subtract(points["eye_r"], points["eye_l"])[::-1])  # eyes are level before the head rolls
    cos, sin = np.cos(lean - pose.roll) / pose.zoom, np.sin(lean - pose.roll) / pose.zoom
    x0, y0 = _centre(points)
    x = np.float32(x0) + np.float32(cos) * across - np.float32(sin) * down
    y = np.float32(y0) + np.float32(sin) * across + np.float32(cos) * down
    tip_x, tip_y = points["nose_tip"]
    x = x - np.float32(pose.yaw) * np.exp(((x - tip_x) ** 2 + (y - tip_y) ** 2) * np.float32(-0.5 / 20.0**2))
    u, v = take.expression.displacement(x, y)
    dark = take.expression.darkening(x, y)
    zoom = np.float32(window.zoom)
    return (x - np.float32(window.left)) * zoom, (y - np.float32(window.top)) * zoom, u * zoom, v * zoom, dark
