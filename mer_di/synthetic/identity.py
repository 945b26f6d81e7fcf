"""Who is filmed: an invented person with a face shape, skin, hair, clothes and light of their own."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from mer_di.synthetic import anatomy
from mer_di.synthetic.anatomy import Floats

AXIS: Final = 224.0  # the face's line of symmetry

# How faces differ: centres, directions and widths of smooth pushes, and their largest extent, in pixels of the
# photograph. A pair of centres is pushed in mirrored directions.
_Push = tuple[float, float, float, float, float]  # x, y, dx, dy, sigma
_SHAPES: Final[dict[str, tuple[float, tuple[_Push, ...]]]] = {
    "jaw": (2.4, ((188, 160, -1, 0.2, 19), (260, 162, 1, 0.2, 19))),
    "chin": (3.4, ((223, 178, 0, 1, 22),)),
    "cheekbones": (3.0, ((184, 122, -1, 0, 17), (269, 124, 1, 0, 17))),
    "eye distance": (1.7, ((203, 101, -1, 0, 11), (247, 103, 1, 0, 11))),
    "eye opening": (0.6, ((203, 97, 0, -1, 4.5), (203, 105, 0, 1, 4.5), (247, 99, 0, -1, 4.5), (247, 107, 0, 1, 4.5))),
    "eye slant": (0.9, ((193, 101, 0, -1, 6), (258, 104, 0, -1, 6))),
    "brow height": (2.4, ((200, 89, 0, -1, 10), (251, 92, 0, -1, 10))),
    "brow slant": (1.0, ((190, 91, 0, -1, 7), (263, 96, 0, -1, 7))),
    "nose length": (3.2, ((223.5, 130, 0, 1, 10),)),
    "nose width": (2.0, ((212, 127, -1, 0, 7), (236, 128, 1, 0, 7))),
    "mouth height": (2.6, ((223.5, 145, 0, 1, 13),)),
    "mouth width": (2.4, ((205, 143, -1, 0, 9), (243, 144, 1, 0, 9))),
    "lips": (1.3, ((223.5, 138, 0, -1, 5.5), (223.5, 151, 0, 1, 5.5))),
    "hairline": (6.0, ((225, 74, 0, -1, 17),)),
}
# Pushes of the hair act in one direction: the photograph's hair is as full as hair gets.
_HAIR: Final[dict[str, tuple[float, tuple[_Push, ...]]]] = {
    "sides": (19.0, ((154, 82, 1, 0, 24), (300, 84, -1, 0, 24))),
    "top": (9.0, ((228, 18, 0, 1, 30),)),
    "length": (17.0, ((166, 116, 0.5, -1, 17), (288, 120, -0.5, -1, 17))),
}
_HAIR_COLOURS: Final = (
    (38, 33, 33), (52, 40, 34), (78, 56, 42), (112, 84, 58), (150, 124, 82), (118, 66, 44), (128, 126, 124),
)  # fmt: skip
_SKIN_LIGHT, _SKIN_DARK = (1.06, 1.03, 1.02), (0.56, 0.46, 0.40)
_CLOTHES: Final[tuple[tuple[float, float], ...]] = (
    (184, 172), (177, 179), (152, 195), (112, 212), (86, 238), (76, 300), (374, 300), (364, 240), (338, 214),
    (298, 197), (268, 182), (256, 174),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """The parameters of one person; drawn by `invent`.

    Attributes
    ----------
    mirrored : bool
        Whether the photograph is flipped left to right.
    width : float
        Horizontal stretch of the whole head.
    pushes : tuple of (x, y, dx, dy, sigma)
        What moves where, forward, in pixels of the (perhaps mirrored) photograph.
    skin_tone, hair_tone, clothes, wall : tuple of float
        RGB; ``skin_tone`` are factors, the others 0..255.
    brow, stubble, freckles : float
        Strength of each, 0..1.
    light : tuple of float
        Relative brightening per face width to the right and downwards.
    texture : int
        Seed of the skin's fine texture, the clothes' folds and the wall.
    """

    mirrored: bool
    width: float
    pushes: tuple[_Push, ...]
    skin_tone: tuple[float, ...]
    hair_tone: tuple[float, ...]
    clothes: tuple[float, ...]
    wall: tuple[float, ...]
    brow: float
    stubble: float
    freckles: float
    light: tuple[float, float]
    texture: int


@dataclass(frozen=True, slots=True)
class Window:
    """A raster over the face's coordinates (pixels of the photograph): its first pixel centre, density and size."""

    left: float
    top: float
    zoom: float
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Portrait:
    """One person with a neutral expression, looking straight into the camera.

    Attributes
    ----------
    image : ndarray of float32, shape (H, W, 3), RGB, or (H, W), grey; 0..255
    window : Window
        The part of the face's own coordinates that the image shows.
    """

    image: Floats
    window: Window


def invent(seed: int, subject: int) -> Identity:
    """Draw a person, the same one for the same two numbers."""
    rng = np.random.default_rng((seed, subject))
    mirrored = bool(rng.random() < 0.5)
    pushes: list[_Push] = []
    for extent, shape in _SHAPES.values():
        pushes += _pushed(shape, extent * float(np.clip(rng.normal(0, 0.55), -1, 1)))
    for extent, shape in _HAIR.values():
        pushes += _pushed(shape, extent * float(rng.random()))
    depth = rng.beta(0.8, 1.5)
    tone = np.asarray(_SKIN_LIGHT) * (1 - depth) + np.asarray(_SKIN_DARK) * depth + rng.normal(0, 0.012, 3)
    hair = np.asarray(_HAIR_COLOURS[rng.integers(len(_HAIR_COLOURS) if depth < 0.5 else 3)]) * rng.uniform(0.85, 1.15)
    return Identity(
        mirrored=mirrored,
        width=float(rng.normal(1.0, 0.035)),
        pushes=tuple(_mirror(push) if mirrored else push for push in pushes),
        skin_tone=tuple(tone.tolist()),
        hair_tone=tuple(hair.tolist()),
        clothes=tuple((rng.uniform(25, 170) + rng.normal(0, 22, 3)).clip(12, 210).tolist()),
        wall=tuple((rng.uniform(70, 205) + rng.normal(0, 5, 3)).tolist()),
        brow=float(rng.uniform(0.25, 0.85)),
        stubble=float(max(0.0, rng.uniform(-0.8, 0.8))),
        freckles=float(max(0.0, rng.uniform(-1.0, 1.0))),
        light=(float(rng.normal(0, 0.11)), float(rng.normal(-0.05, 0.06))),
        texture=int(rng.integers(2**31)),
    )


def paint(person: Identity, window: Window, *, grey: bool = False) -> Portrait:
    """Paint the part of a person's portrait that a window shows."""
    zoom = window.zoom
    column, row = anatomy.grid(window.height, window.width)
    x, y = column / np.float32(zoom) + np.float32(window.left), row / np.float32(zoom) + np.float32(window.top)
    rng = np.random.default_rng(person.texture)
    source = anatomy.to_canvas(*_to_photograph(person, x, y))
    canvas = anatomy.canvas()

    def moved(image: Floats) -> Floats:
        return cv2.remap(image, *source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)

    head, skin = moved(canvas.head)[..., None], moved(canvas.skin)
    face = moved(_coloured(person, canvas)) * _skin_texture(person, skin, zoom, rng)[..., None]
    image = face * head + _behind(person, x, y, window, rng) * (1 - head)
    image *= 1 + person.light[0] * (x - AXIS)[..., None] / 90 + person.light[1] * (y - 120)[..., None] / 110
    image = np.clip(image, 0, 255).astype(np.float32)
    return Portrait(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if grey else image, window)


def _pushed(shape: tuple[_Push, ...], amount: float) -> list[_Push]:
    return [(x, y, dx * amount, dy * amount, sigma) for x, y, dx, dy, sigma in shape]


def _mirror(push: _Push) -> _Push:
    x, y, dx, dy, sigma = push
    return 2 * AXIS - x, y, -dx, dy, sigma


def _to_photograph(person: Identity, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where in the photograph the points of a face are found: the backward map of the person's shape."""
    x = AXIS + (x - AXIS) / np.float32(person.width)
    u, v = x.copy(), y.copy()
    for cx, cy, dx, dy, sigma in person.pushes:
        weight = np.exp(((x - cx - dx) ** 2 + (y - cy - dy) ** 2) * np.float32(-0.5 / sigma**2))
        u -= np.float32(dx) * weight
        v -= np.float32(dy) * weight
    return (2 * AXIS - u if person.mirrored else u), v


@lru_cache(maxsize=128)
def landmarks(person: Identity) -> dict[str, tuple[float, float]]:
    """Find where `anatomy.LANDMARKS` are in a person's face, in the face's coordinates."""
    # the backward map has no closed inverse; it is close enough to the identity for fixed-point iteration
    names = list(anatomy.LANDMARKS)
    target = np.asarray([anatomy.LANDMARKS[_mirrored_name(name, person.mirrored)] for name in names], np.float32).T
    x, y = target.copy()
    x = 2 * AXIS - x if person.mirrored else x
    for _ in range(30):
        u, v = _to_photograph(person, x, y)
        x = x - (u - target[0]) * (-1 if person.mirrored else 1)
        y = y - (v - target[1])
    return {name: (float(a), float(b)) for name, a, b in zip(names, x, y, strict=True)}


def _mirrored_name(name: str, mirrored: bool) -> str:
    swapped = {"_l": "_r", "_r": "_l"}
    return name[:-2] + swapped[name[-2:]] if mirrored and name[-2:] in swapped else name


def _coloured(person: Identity, canvas: anatomy.Canvas) -> Floats:
    """Give the photograph the person's skin, hair and brows."""
    eyes, skin, hair = canvas.eyes[..., None], canvas.skin[..., None], canvas.hair[..., None]
    grey = cv2.cvtColor(canvas.image, cv2.COLOR_RGB2GRAY)[..., None]
    strands = _rgb(person.hair_tone) * (np.maximum(grey, 4) / 112) ** 0.8
    complexion = canvas.image * (1 + (_rgb(person.skin_tone) - 1) * (1 - 0.65 * eyes))
    brow = _rgb(person.hair_tone) / 255 * 0.8
    complexion = complexion * (1 - canvas.brows[..., None] * person.brow * (1 - brow))
    complexion = complexion * (1 - canvas.beard[..., None] * person.stubble * _rgb((0.34, 0.3, 0.26)))
    coloured: Floats = complexion * skin + strands * hair + canvas.image * np.clip(1 - skin - hair, 0, 1)
    return coloured.astype(np.float32)


def _rgb(colour: tuple[float, ...]) -> Floats:
    return np.asarray(colour, np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Floats:
    """Smooth noise of unit standard deviation."""
    shrink = max(1, int(sigma / 2))
    small = rng.standard_normal((shape[0] // shrink + 2, shape[1] // shrink + 2), dtype=np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    noise: Floats = cv2.resize(blurred, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    noise /= noise.std()
    return noise


def _skin_texture(person: Identity, skin: Floats, zoom: float, rng: np.random.Generator) -> Floats:
    """Pores, blotches and freckles, as a factor: what a photograph enlarged threefold has lost."""
    pores = 0.016 * _noise(rng, skin.shape, 0.3 * zoom) + 0.014 * _noise(rng, skin.shape, 0.7 * zoom)
    blotches = 0.018 * _noise(rng, skin.shape, 5 * zoom)
    spots = np.clip(_noise(rng, skin.shape, 0.75 * zoom) - 2.1, 0, 1.2) * 0.22 * person.freckles
    return 1 + skin * (pores + blotches - spots) + (1 - skin) * 0.05 * _noise(rng, skin.shape, 0.4 * zoom)


def _behind(person: Identity, x: Floats, y: Floats, window: Window, rng: np.random.Generator) -> Floats:
    """Draw the wall, and the clothes in front of it."""
    zoom = window.zoom
    wall = _rgb(person.wall) * (1 + 0.03 * _noise(rng, x.shape, 45 * zoom))[..., None]
    folds = (1 + 0.10 * _noise(rng, x.shape, 9 * zoom) + 0.03 * _noise(rng, x.shape, 0.5 * zoom))[..., None]
    points = (np.asarray(_CLOTHES) - (window.left, window.top)) * zoom
    mask: Floats = np.zeros(x.shape, np.float32)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 1.0, shift=4)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.7 * zoom)[..., None]
    shadow = 1 - 0.45 * np.exp(-(((x - 222) / 36) ** 2) - ((y - 180) / 14) ** 2)[..., None]
    return _rgb(person.clothes) * folds * shadow * mask + wall * (1 - mask)
