"""The one photograph that every face is drawn from, relaxed to a neutral expression, and where its parts are.

The photograph is ``skimage.data.astronaut()`` (NASA, public domain), which ships inside scikit-image. All positions
are (x, y) in its pixels, the pixel centre of the first at (0, 0); *left* and *right* are the picture's.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Floats = NDArray[Any]  # of float32; OpenCV's stubs promise no type
Points = tuple[tuple[float, float], ...]

ZOOM: Final = 3  # canvas pixels per pixel of the photograph
LEFT, TOP, WIDTH, HEIGHT = 64, -16, 324, 256  # the part that is used; above the picture there is wall
MOUTH_TILT: Final = 0.02  # the head leans a little

# measured by eye on the enlarged picture
LANDMARKS: Final[dict[str, tuple[float, float]]] = {
    "brow_outer_l": (190.0, 90.5),
    "brow_mid_l": (199.0, 88.5),
    "brow_inner_l": (212.0, 92.0),
    "brow_inner_r": (238.5, 93.5),
    "brow_mid_r": (251.0, 92.0),
    "brow_outer_r": (262.5, 96.0),
    "eye_outer_l": (193.0, 101.5),
    "eye_top_l": (203.0, 97.5),
    "eye_l": (203.3, 101.2),
    "eye_bottom_l": (203.0, 104.8),
    "eye_inner_l": (212.0, 103.5),
    "eye_inner_r": (237.0, 105.0),
    "eye_top_r": (247.0, 99.5),
    "eye_r": (246.7, 103.3),
    "eye_bottom_r": (247.0, 107.2),
    "eye_outer_r": (257.5, 104.0),
    "forehead": (225.0, 84.0),
    "glabella": (225.0, 95.0),
    "nose_root": (224.5, 104.0),
    "nose_tip": (223.5, 126.5),
    "nose_wing_l": (212.5, 127.5),
    "nose_wing_r": (235.5, 128.5),
    "cheek_l": (197.0, 120.0),
    "cheek_r": (252.0, 122.0),
    "mouth_l": (205.5, 142.5),
    "upper_lip": (223.5, 140.5),
    "lower_lip": (223.0, 148.0),
    "mouth_r": (242.5, 143.5),
    "chin": (223.0, 164.0),
    "jaw_l": (190.0, 158.0),
    "jaw_r": (258.0, 160.0),
}

HEAD: Final[Points] = (
    (180, 132), (175, 130), (171, 124), (170, 119), (166, 116), (160, 109), (156, 101), (154, 90), (153.5, 75),
    (154.5, 66), (158, 59), (163, 53), (170, 47), (179, 41.5), (188, 37), (192, 30.5), (200, 25.5), (208, 22),
    (218, 19), (226, 16.5), (234, 16), (244, 18), (254, 21.5), (264, 26.5), (273, 31), (280, 35.5), (286.5, 41.5),
    (291.5, 50.5), (295.5, 62), (298.5, 75), (300, 88), (298.5, 100), (294.5, 110), (288.5, 117.5), (282.5, 124.5),
    (278, 131), (274, 134.5), (270, 136.5), (267, 135.5), (265.5, 140), (264.5, 147), (261.5, 155), (256.5, 163),
    (254, 172), (253.5, 180), (251.5, 184.5), (246, 187), (238, 189), (225, 188.5), (208, 186), (196, 184.5),
    (189.5, 181.5), (186.5, 177), (185.7, 170), (186, 160), (184.5, 153), (182.8, 143), (182.2, 135),
)  # fmt: skip
SKIN: Final[Points] = (
    (180, 133), (174, 131), (170, 124), (170, 119), (176, 119), (180, 121), (182, 112), (183, 100), (185, 90),
    (186, 82), (187, 76), (192, 74.5), (197, 79), (203, 82.5), (212, 82), (222, 81), (232, 81), (240, 83), (250, 86.5),
    (258, 89.5), (264, 91), (267, 92), (268.5, 100), (270.5, 110), (270.5, 120), (268.5, 129), (274, 129),
    (279, 130), (276, 138), (266, 138), (266, 150), (258, 165), (256, 190), (225, 195), (183, 188), (183, 160),
)  # fmt: skip
EYES: Final = (((203.0, 101.3), (8.8, 3.4)), ((247.0, 103.7), (9.4, 3.6)))  # centre, half axes
BROWS: Final[tuple[Points, Points]] = (
    ((189.5, 91.5), (194, 89.6), (199, 89.0), (206, 90.3), (213.5, 93.0)),
    ((262.5, 97.0), (257.5, 94.0), (252, 92.8), (245, 93.0), (237.5, 94.5)),
)
FOLDS: Final[tuple[Points, Points]] = (
    ((208.5, 124.5), (204, 129.5), (197.5, 134), (196.3, 139)),
    ((237, 124), (241.5, 130), (247.5, 135), (250, 141.5)),
)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The neutral face, `ZOOM` times enlarged: row 0 is at y = `TOP`, column 0 at x = `LEFT`.

    Attributes
    ----------
    image : ndarray of float32, shape (HEIGHT * ZOOM, WIDTH * ZOOM, 3), RGB, 0..255
    head, skin, hair, eyes, brows, beard : ndarray of float32, shape (HEIGHT * ZOOM, WIDTH * ZOOM), 0..1
        Masks with soft edges; ``skin`` and ``hair`` share ``head`` between them.
    """

    image: Floats
    head: Floats
    skin: Floats
    hair: Floats
    eyes: Floats
    brows: Floats
    beard: Floats


def grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Return x and y, each float32 of shape (height, width), of a raster's pixel centres."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x, y


def to_canvas(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Positions in the photograph to positions on the canvas."""
    return (x - LEFT) * ZOOM + (ZOOM - 1) / 2, (y - TOP) * ZOOM + (ZOOM - 1) / 2


@lru_cache(maxsize=1)
def canvas() -> Canvas:
    """Enlarge the photograph, close the mouth, smooth the folds of the smile, and mark the regions."""
    column, row = grid(HEIGHT * ZOOM, WIDTH * ZOOM)
    x = (column - (ZOOM - 1) / 2) / ZOOM + LEFT
    y = (row - (ZOOM - 1) / 2) / ZOOM + TOP
    photograph: Floats = skimage.data.astronaut().astype(np.float32)
    image = cv2.remap(photograph, *_relaxed(x, y), cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    image = np.clip(_closed(_unfolded(_sharpened(image)), x, y), 0, 255)
    head, skin = np.clip(2 * _region(HEAD, 0.9) - 1, 0, 1), _region(SKIN, 1.2)
    return Canvas(image, head, skin * head, (1 - skin) * head, _eyes(x, y), _strokes(BROWS, 3.2, 0.7), _beard(x, y))


def _relaxed(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where in the smiling picture a point of the neutral face is found.

    Along the closed mouth the map jumps over the teeth, from the lower edge of the upper lip to the upper edge
    of the lower lip; the jump fades out towards nose and chin.
    """
    t = (x - 223.7) / 21.0
    arch = np.clip(1 - t**2, 0, 1)
    corners = 140.7 + MOUTH_TILT * (x - 223.7)
    upper, lower, closed = corners - 0.7 * arch**0.3 + 2.6 * arch, corners + 1.2 * arch**0.3 + 9.2 * arch**0.8, _seam(x)
    beside = np.exp(-((np.clip(np.abs(t) - 1, 0, None) / 0.35) ** 2))
    above = (upper - closed) * np.exp(-(((y - closed) / 9.0) ** 2))
    below = (lower - closed) * np.exp(-(((y - closed) / 19.0) ** 2))
    wider = 2.6 * np.tanh(t * 1.2) * np.exp(-(t**4) / 3 - ((y - closed) / 11.0) ** 2)
    return (x + wider).astype(np.float32), (y + beside * np.where(y <= closed, above, below)).astype(np.float32)


def _seam(x: Floats) -> Floats:
    """Height of the line between the closed lips."""
    return 142.3 + MOUTH_TILT * (x - 223.7) + 1.7 * np.clip(1 - ((x - 223.7) / 21.0) ** 2, 0, 1)


def _closed(image: Floats, x: Floats, y: Floats) -> Floats:
    """Draw the shadow between the lips."""
    t = (x - 223.7) / 18.5
    shadow: Floats = np.exp(-(((y - _seam(x)) / 0.75) ** 2) - np.abs(t) ** 8)[..., None]
    return image + (np.asarray((92, 44, 42), np.float32) - image) * shadow


def _sharpened(image: Floats) -> Floats:
    """Steepen the edges that enlarging left soft."""
    for sigma, amount in ((1.4 * ZOOM / 3, 0.9), (2.6 * ZOOM / 3, 0.5)):
        image = image + amount * (image - cv2.GaussianBlur(image, (0, 0), sigma))
    return image


def _unfolded(image: Floats) -> Floats:
    fold = _strokes(FOLDS, 5.0, 1.8)[..., None] * 0.75
    smooth = cv2.GaussianBlur(image, (0, 0), 4.5 * ZOOM)
    return image * (1 - fold) + smooth * fold


def _pixels(points: Points) -> NDArray[np.int32]:
    x, y = to_canvas(*np.asarray(points, np.float32).T)
    return np.round(np.stack([x, y], axis=-1) * 16).astype(np.int32)


def _region(points: Points, softness: float) -> Floats:
    mask = np.zeros((HEIGHT * ZOOM, WIDTH * ZOOM), np.float32)
    cv2.fillPoly(mask, [_pixels(points)], 1.0, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), softness * ZOOM)


def _strokes(lines: tuple[Points, ...], thickness: float, softness: float) -> Floats:
    mask = np.zeros((HEIGHT * ZOOM, WIDTH * ZOOM), np.float32)
    cv2.polylines(mask, [_pixels(line) for line in lines], False, 1.0, round(thickness * ZOOM), shift=4)
    return cv2.GaussianBlur(mask, (0, 0), softness * ZOOM)


def _eyes(x: Floats, y: Floats) -> Floats:
    inside = [((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 for (cx, cy), (a, b) in EYES]
    return np.clip(2.5 - 2.0 * np.minimum(*inside), 0, 1).astype(np.float32)


def _beard(x: Floats, y: Floats) -> Floats:
    x = x - 223.5
    cheek_line = 140 + 0.012 * np.clip(34 - np.abs(x), 0, None) ** 2
    jaw = 1 / (1 + np.exp((cheek_line - y) / 3.0))
    moustache = np.exp(-((x / 16) ** 4) - ((y - 137) / 3.2) ** 2)
    lips = np.exp(-((x / 19) ** 4) - ((y - 145.5) / 5.5) ** 4)
    throat = 1 / (1 + np.exp((y - 178) / 3.0))
    beard: Floats = np.maximum(jaw, moustache) * throat * (1 - lips)
    return beard.astype(np.float32)
