"""One clip in memory, for examples, pictures and tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mer_di.synthetic.drawing import film, stage
from mer_di.synthetic.layouts import find_layout


@dataclass(frozen=True, slots=True, eq=False)
class DrawnClip:
    """A drawn micro-expression.

    Attributes
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3), RGB
        The whole clip, with the frames before the onset and after the offset.
    onset, apex, offset : int
        0-based positions in ``frames``; the offset is inclusive.
    emotion : str
        What is shown.
    action_units : tuple of str
        In the databases' notation; ``L14`` is the person's left side alone.
    amplitude : float
        Largest displacement of any point of the face at the apex, in pixels.
    """

    frames: NDArray[np.uint8]
    onset: int
    apex: int
    offset: int
    emotion: str
    action_units: tuple[str, ...]
    amplitude: float


def draw_clip(
    emotion: str,
    *,
    subject: int = 1,
    take: int = 1,
    seed: int = 0,
    layout: str = "mmew",
    tree: str | None = None,
) -> DrawnClip:
    """Draw one clip without writing anything; it is the one that `write_database` writes, before JPEG.

    Parameters
    ----------
    emotion : str
        ``happiness``, ``surprise``, ``disgust``, ``others``, ``fear``, ``sadness``, ``anger``, ``repression`` or
        ``contempt``, whether or not the layout's table has that label.
    subject : int
        Who: the n-th subject of a database drawn from the same seed.
    take : int
        Which of the subject's clips of this emotion, from 1.
    seed : int
        0 or more.
    layout : str
        One of `mer_di.synthetic.LAYOUTS`: whose camera films. It sets frame size, length and colour.
    tree : str or None
        See `write_database`.

    Returns
    -------
    DrawnClip

    Raises
    ------
    InputError
        If the emotion, the layout or the tree is unknown, or a number is negative.
    """
    staged = stage(emotion, subject=subject, take=take, seed=seed, camera=find_layout(layout, tree).camera)
    frames = np.stack(list(film(staged, range(staged.length))))
    if frames.ndim == 3:
        frames = np.repeat(frames[..., np.newaxis], 3, axis=-1)
    return DrawnClip(
        frames=frames,
        onset=staged.onset,
        apex=staged.apex,
        offset=staged.offset,
        emotion=emotion,
        action_units=staged.expression.action_units,
        amplitude=staged.amplitude,
    )
