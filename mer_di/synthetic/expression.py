"""What a micro-expression does to a face: which action units it shows, what they move, and how it rises and fades.

Action units are those of Ekman and Friesen's Facial Action Coding System; which of them an emotion shows follows the
labels of the public databases. The movements are smooth pushes of the skin around landmarks, and creases that darken.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_di.synthetic.anatomy import Floats

# landmark, outwards, downwards, sigma; lengths in pixels of the photograph, "*" stands for both sides
_Move = tuple[str, float, float, float]
# landmark, outwards, downwards (from it), sigma, relative darkening
_Crease = tuple[str, float, float, float, float]

MOVES: Final[dict[str, tuple[_Move, ...]]] = {
    "1": (("brow_inner*", 0.0, -1.0, 7.0), ("forehead", 0.0, -0.4, 9.0)),
    "2": (("brow_outer*", 0.0, -1.0, 7.0), ("brow_mid*", 0.0, -0.4, 7.0)),
    "4": (("brow_inner*", -0.55, 0.75, 6.5), ("brow_mid*", -0.25, 0.5, 7.0)),
    "5": (("eye_top*", 0.0, -0.8, 4.5),),
    "6": (("cheek*", 0.1, -0.75, 9.0), ("eye_bottom*", 0.0, -0.4, 5.0)),
    "7": (("eye_bottom*", 0.0, -0.7, 4.5), ("eye_top*", 0.0, 0.35, 4.0)),
    "9": (("nose_wing*", 0.15, -0.9, 7.0), ("upper_lip", 0.0, -0.35, 7.0), ("glabella", 0.0, 0.3, 6.0)),
    "10": (("upper_lip", 0.0, -0.9, 7.5), ("nose_wing*", 0.2, -0.4, 6.0)),
    "12": (("mouth*", 0.6, -0.8, 8.0), ("cheek*", 0.1, -0.3, 9.0)),
    "14": (("mouth*", 0.9, -0.1, 6.0),),
    "15": (("mouth*", 0.1, 1.0, 7.0),),
    "17": (("chin", 0.0, -0.9, 8.0), ("lower_lip", 0.0, -0.5, 7.0)),
    "20": (("mouth*", 1.0, 0.3, 9.0), ("lower_lip", 0.0, 0.3, 7.0)),
    "23": (("mouth*", -0.8, 0.0, 6.0), ("lower_lip", 0.0, -0.4, 5.0)),
    "24": (("upper_lip", 0.0, 0.6, 5.0), ("lower_lip", 0.0, -0.8, 5.5)),
    "25": (("lower_lip", 0.0, 0.8, 7.0),),
}
CREASES: Final[dict[str, tuple[_Crease, ...]]] = {
    "1": (("forehead", 0.0, 3.0, 5.0, 0.03),),
    "4": (("glabella", 0.0, -1.0, 4.0, 0.05),),
    "6": (("eye_outer*", 3.0, 3.0, 3.5, 0.04),),
    "9": (("nose_root", 0.0, 2.0, 4.0, 0.05),),
    "12": (("mouth*", 5.0, -6.0, 3.5, 0.04),),
    "14": (("mouth*", 3.0, 0.0, 3.0, 0.06),),
    "17": (("lower_lip", 0.0, 7.0, 4.0, 0.04),),
}

# Each emotion shows itself in one of several ways; "L" and "R" are one side only, the person's own.
EMOTIONS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "happiness": (("12",), ("6", "12"), ("6", "12"), ("12", "25")),
    "surprise": (("1", "2"), ("1", "2"), ("1", "2", "5"), ("1", "2", "25")),
    "disgust": (("9",), ("10",), ("4", "9"), ("9", "10")),
    "others": (("4",), ("14",), ("4", "14"), ("7", "14"), ("L2",), ("R2",)),
    "fear": (("20",), ("4", "20"), ("5", "20"), ("1", "4", "20")),
    "sadness": (("15",), ("1", "15"), ("4", "15"), ("15", "17")),
    "anger": (("4", "7"), ("4", "7"), ("4", "7", "23"), ("4", "24")),
    "repression": (("24",), ("17", "24"), ("14", "24"), ("15", "24")),
    "contempt": (("L14",), ("R14",), ("L12", "L14"), ("R12", "R14")),
}


@dataclass(frozen=True, slots=True)
class Expression:
    """The movement of one face at its strongest, before it is scaled to an amplitude.

    Attributes
    ----------
    action_units : tuple of str
        In the databases' notation: ``"12"``, or ``"L14"`` for the person's left side alone.
    pushes : tuple of (x, y, dx, dy, sigma)
        Centres, displacements and widths in the face's coordinates.
    creases : tuple of (x, y, sigma, darkening)
        Where the skin darkens, and by which fraction.
    """

    action_units: tuple[str, ...]
    pushes: tuple[tuple[float, float, float, float, float], ...]
    creases: tuple[tuple[float, float, float, float], ...]

    def scaled(self, largest: float) -> "Expression":
        """Return the same movement with a given largest displacement of any point."""
        x, y = np.mgrid[150:300, 60:200].astype(np.float32)  # the whole face, in steps of one pixel of the photograph
        factor = largest / float(np.hypot(*self.displacement(x, y)).max())
        pushes = tuple((cx, cy, dx * factor, dy * factor, sigma) for cx, cy, dx, dy, sigma in self.pushes)
        return replace(self, pushes=pushes)

    def displacement(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Forward displacement at points of the face, in the face's coordinates."""
        u, v = np.zeros_like(x), np.zeros_like(y)
        for cx, cy, dx, dy, sigma in self.pushes:
            weight = np.exp(((x - cx) ** 2 + (y - cy) ** 2) * np.float32(-0.5 / sigma**2))
            u += np.float32(dx) * weight
            v += np.float32(dy) * weight
        return u, v

    def darkening(self, x: Floats, y: Floats) -> Floats:
        """Fraction of the light that the creases swallow at points of the face."""
        lost = np.zeros_like(x)
        for cx, cy, sigma, depth in self.creases:
            lost += np.float32(depth) * np.exp(((x - cx) ** 2 + (y - cy) ** 2) * np.float32(-0.5 / sigma**2))
        return lost


def express(
    emotion: str, landmarks: dict[str, tuple[float, float]], habits: np.random.Generator, rng: np.random.Generator
) -> Expression:
    """Draw one way in which a person shows an emotion.

    Parameters
    ----------
    emotion : str
        A key of `EMOTIONS`.
    landmarks : dict of str to (x, y)
        The person's own, named as in `anatomy.LANDMARKS`.
    habits : numpy.random.Generator
        Gives what is the person's: how strong each action unit and each side of the face is.
    rng : numpy.random.Generator
        Gives what is this clip's.

    Returns
    -------
    Expression
    """
    unit_habit = dict(zip(MOVES, habits.lognormal(0.0, 0.25, len(MOVES)), strict=True))
    lopsided = habits.normal(0.0, 0.12) + rng.normal(0.0, 0.10)
    ways = EMOTIONS[emotion]
    action_units = ways[rng.integers(len(ways))]
    pushes: list[tuple[float, float, float, float, float]] = []
    creases: list[tuple[float, float, float, float]] = []
    for code in action_units:
        unit = code.lstrip("LR")
        strength = float(unit_habit[unit] * rng.lognormal(0.0, 0.3))
        for name, out, down, sigma in MOVES[unit]:
            for (x, y), outwards, share in _sides(name, code, landmarks, lopsided):
                pushes.append((x, y, out * outwards * strength * share, down * strength * share, sigma))
        for name, out, down, sigma, depth in CREASES.get(unit, ()):
            for (x, y), outwards, share in _sides(name, code, landmarks, lopsided):
                creases.append((x + out * outwards, y + down, sigma, depth * strength * share))
    return Expression(action_units, tuple(pushes), tuple(creases))


def _sides(
    name: str, code: str, landmarks: dict[str, tuple[float, float]], lopsided: float
) -> list[tuple[tuple[float, float], int, float]]:
    """Position, outward direction and share of a movement on each side that an action unit's code names."""
    if not name.endswith("*"):
        return [(landmarks[name], 1, 1.0)]
    sides = []
    if not code.startswith("L"):  # the person's right is the picture's left
        sides.append((landmarks[name[:-1] + "_l"], -1, 1.0 - lopsided))
    if not code.startswith("R"):
        sides.append((landmarks[name[:-1] + "_r"], 1, 1.0 + lopsided))
    return sides


def profile(length: int, onset: int, apex: int, offset: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Intensity of an expression over a clip: 0 up to the onset, 1 at the apex, nearly 0 from the offset on.

    Parameters
    ----------
    length : int
        Frames in the clip.
    onset, apex, offset : int
        0-based positions, onset < apex < offset < length.
    rng : numpy.random.Generator
        Draws how abruptly it rises and fades, and what is left at the offset (at most 12 %), which then dies away.

    Returns
    -------
    ndarray of float64, shape (length,), 0..1
        Strictly rising from onset to apex and strictly falling from apex to offset.
    """
    rise, fall, left = rng.uniform(0.7, 1.5), rng.uniform(0.7, 1.5), rng.uniform(0.0, 0.12)
    time = np.arange(length, dtype=np.float64)
    up = _smooth((time - onset) / (apex - onset)) ** rise
    down = 1 - (1 - left) * _smooth((time - apex) / (offset - apex)) ** fall
    after = left * np.exp(-np.clip(time - offset, 0, None) / 12.0)
    return np.where(time <= apex, up, np.where(time <= offset, down, after))


def _smooth(s: NDArray[np.float64]) -> NDArray[np.float64]:
    s = np.clip(s, 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)
