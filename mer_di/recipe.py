"""Everything that changes a pixel of a cache, and nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

from mer_di.errors import CacheError, InputError
from mer_di.phases import APEX_IN, APEX_POLICIES, ApexIn, ApexPolicy
from mer_di.rank_pooling import SCHEMES, Magnification, Reversal, magnified, motion_ranked
from mer_di.streams import SMALLEST_FLOW, FlowEngine

Align = Literal["none", "similarity", "per-frame"]
Aspect = Literal["stretch", "keep"]
SeveralFaces = Literal["drop", "largest"]

METHOD = 2  # raised whenever the same parameters would give other pixels
LARGEST_SIZE = 4096  # pixels
LONGEST = 10_000  # frames
MOST_NEIGHBOURS = 64  # apexes
_LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""Marks a field that recipes of before lack: it is written only where it differs from its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The parameters of a cache.

    Attributes
    ----------
    align : {"none", "similarity", "per-frame"}
        ``none`` takes the whole frame; ``similarity`` one transform a clip from the onset frame's landmarks;
        ``per-frame`` a smoothed transform for every frame.
    apex_in : {"both", "onset", "offset"}
        The phase that holds the apex frame.
    apex_jitter : int
        Neighbouring apexes whose phase images are held as well (see `mer_di.weighing.neighbours`); 0 for none.
    apex_policy : {"drop", "midpoint", "spot"}
        What becomes of an apex that is missing, outside, or leaves a phase of one frame.
    apex_sigma : float or None
        Frames by which the apex is uncertain (see `mer_di.weighing.apex_shares`); None takes it for sure.
    aspect : {"stretch", "keep"} or None
        How a frame that is not square becomes S×S; None when faces are aligned.
    corrections : tuple of str
        Names of the correction sets that were applied to the annotation table.
    flow : {"ilk", "tvl1", "farneback", "dis"} or None
        Who estimates the optical flow of the phases; None where there is none.
    landmark_model : str or None
        sha256 of the landmark model; None when faces are not aligned.
    magnify_alpha : float or None
        Factor of scheme ``magnified``; None with all others.
    magnify_band : tuple of float or None
        Its band in Hz, from low to high; None with all others.
    method : int
        Version of the computation itself.
    reversal : {"time", "sign"}
        How a scheme becomes the fading phase's: on the time-reversed phase, or negated.
    scheme : str
        A name in `mer_di.rank_pooling.SCHEMES`.
    several_faces : {"drop", "largest"} or None
        What a second face means; None when faces are not aligned.
    size : int
        Side S of the images, in pixels.
    temporal_length : int or None
        Length to which each phase is linearly resampled (folded into the weights); None keeps its own.
    tree : str or None
        Which of a database's frame trees was read (``cropped``, ``raw``, ...).
    """

    align: Align
    scheme: str = "arp"
    reversal: Reversal = "time"
    apex_in: ApexIn = "both"
    apex_policy: ApexPolicy = "drop"
    temporal_length: int | None = None
    size: int = 224
    aspect: Aspect | None = None
    several_faces: SeveralFaces | None = None
    landmark_model: str | None = None
    corrections: tuple[str, ...] = ()
    tree: str | None = None
    method: int = METHOD
    flow: FlowEngine | None = field(default=None, metadata=_LATER)
    magnify_band: tuple[float, float] | None = field(default=None, metadata=_LATER)
    magnify_alpha: float | None = field(default=None, metadata=_LATER)
    apex_sigma: float | None = field(default=None, metadata=_LATER)
    apex_jitter: int = field(default=0, metadata=_LATER)

    def __post_init__(self) -> None:
        _require("align", self.align, get_args(Align))
        _require("scheme", self.scheme, tuple(SCHEMES))
        _require("reversal", self.reversal, get_args(Reversal))
        _require("apex_in", self.apex_in, APEX_IN)
        _require("apex_policy", self.apex_policy, APEX_POLICIES)
        _require("aspect", self.aspect, get_args(Aspect) if self.align == "none" else (None,))
        _require("several_faces", self.several_faces, (None,) if self.align == "none" else get_args(SeveralFaces))
        _require("flow", self.flow, (None, *get_args(FlowEngine)))
        _require_integer("size", self.size, SMALLEST_FLOW if self.flow else 1, LARGEST_SIZE)
        if self.temporal_length is not None:
            _require_integer("temporal_length", self.temporal_length, 2, LONGEST)
        if type(self.method) is not int:
            raise InputError(f"method is {self.method!r}; expected a number")
        if not isinstance(self.corrections, tuple):
            raise InputError(f"corrections is {self.corrections!r}; expected a tuple of texts")
        texts = (*self.corrections, self.landmark_model or "", self.tree or "")
        if not all(isinstance(text, str) for text in texts):
            raise InputError(f"corrections, landmark_model and tree are {texts!r}; expected texts")
        self._require_weighing()

    def _require_weighing(self) -> None:
        """Refuse parameters of the weights that do not go together."""
        _require_integer("apex_jitter", self.apex_jitter, 0, MOST_NEIGHBOURS)
        if self.apex_sigma is not None:
            _require_number("apex_sigma", self.apex_sigma, LONGEST)
        given = self.magnify_band is not None, self.magnify_alpha is not None
        if given != ((self.scheme == magnified.__name__),) * 2:
            raise InputError(
                f"scheme is {self.scheme!r}, magnify_band {self.magnify_band} and magnify_alpha {self.magnify_alpha}; "
                f"scheme {magnified.__name__!r} needs both, there is no usual value, and no other scheme takes them"
            )
        if self.magnify_band is not None:
            if not isinstance(self.magnify_band, tuple) or len(self.magnify_band) != 2:
                raise InputError(f"magnify_band is {self.magnify_band!r}; expected two frequencies in Hz, low and high")
            for end in self.magnify_band:
                _require_number("magnify_band", end, LONGEST)
            low, high = self.magnify_band
            if low >= high:
                raise InputError(f"magnify_band is {low:g} to {high:g}; expected the lower frequency first")
            self.magnification(2 * high)
        unknown = [name for name in ("temporal_length", "apex_sigma") if getattr(self, name) is not None]
        if self.scheme == motion_ranked.__name__ and (unknown or self.reversal != "time"):
            raise InputError(
                f"scheme {self.scheme!r} goes with none of temporal_length, apex_sigma and reversal 'sign': it knows "
                "from the motion which way a phase goes, and the size of mixed weights would depend on the motion, "
                "which a cache does not hold"
            )

    def magnification(self, fps: float | None) -> Magnification | None:
        """Return how a clip of so many frames per second is magnified; None if it is not.

        Raises
        ------
        InputError
            If the rate is not known, or too low for the band.
        """
        if self.magnify_band is None or self.magnify_alpha is None:
            return None
        return Magnification(self.magnify_alpha, *self.magnify_band, fps=float("nan") if fps is None else fps)

    @property
    def text(self) -> str:
        """Canonical JSON: keys sorted, no spaces; without what came later and is as it was before."""
        defaults = _later_defaults()
        written = {name: value for name, value in asdict(self).items() if (name, value) not in defaults.items()}
        return json.dumps(written, sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of `text` in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def require_method(self) -> None:
        """Make sure that this version computes what the recipe says.

        Raises
        ------
        CacheError
            If its method is another one.
        """
        if self.method != METHOD:
            raise CacheError(
                f"the recipe is of method {self.method}, and this mer_di computes by method {METHOD}, which gives "
                "other pixels; use the mer_di that built the cache, or build it again"
            )

    @classmethod
    def from_text(cls, text: str) -> "Recipe":
        """Read a recipe back from its canonical JSON.

        Raises
        ------
        CacheError
            If the text is no JSON object with exactly this version's fields (those that came later may be absent), or a
            value is of the wrong type.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            known = {each.name for each in fields(cls)}
            if known - _later_defaults().keys() <= found.keys() <= known:
                lists = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
                return cls(**{**found, **lists})
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise CacheError(f"the recipe {text!r:.200} is not readable: {error}") from error
        raise CacheError(
            f"the recipe has the fields {sorted(found)}; this version knows {sorted(known)}. "
            "Use the version of mer_di that wrote the cache."
        )


def differences(ours: str, theirs: str) -> list[str]:
    """Name the fields in which two recipes differ.

    Parameters
    ----------
    ours, theirs : str
        Recipes as JSON objects, of any version.

    Returns
    -------
    list of str
        ``field: ours | theirs`` for each field that differs, sorted by field.
    """
    a: dict[str, Any] = _later_defaults() | json.loads(ours)
    b: dict[str, Any] = _later_defaults() | json.loads(theirs)
    absent = "(absent)"
    return [
        f"{key}: {json.dumps(a.get(key, absent))} | {json.dumps(b.get(key, absent))}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key, absent) != b.get(key, absent)
    ]


def _later_defaults() -> dict[str, Any]:
    return {each.name: each.default for each in fields(Recipe) if "later" in each.metadata}


def _require(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise InputError(f"recipe field {name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")


def _require_number(name: str, value: object, largest: float) -> None:
    if type(value) is not float or not 0 < value <= largest:
        raise InputError(f"{name} is {value!r}; expected a float above 0, up to {largest:g}")


def _require_integer(name: str, value: object, smallest: int, largest: int) -> None:
    if type(value) is not int or not smallest <= value <= largest:
        raise InputError(f"{name} is {value!r}; expected an integer of {smallest}..{largest}")
