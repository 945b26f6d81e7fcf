"""Which frames form onset→apex and apex→offset, and what happens to an apex that makes no sense."""

from typing import Literal, get_args

from mer_di.arguments import one_of, whole_number
from mer_di.errors import InputError, SampleError
from mer_di.sample import Sample

ApexIn = Literal["both", "onset", "offset"]
ApexPolicy = Literal["drop", "midpoint", "spot"]

APEX_IN: tuple[ApexIn, ...] = get_args(ApexIn)
APEX_POLICIES: tuple[ApexPolicy, ...] = get_args(ApexPolicy)
LONGEST_CLIP = 1_000_000  # over an hour at 200 frames a second; more is a slip, and its weights fill the memory
SHORTEST_PHASE = 2  # the weight of a single frame is zero in every zero-sum scheme: a blank image


def split(onset: int, apex: int, offset: int, *, apex_in: ApexIn = "both") -> tuple[range, range]:
    """Split a clip at its apex into the rising and the fading phase.

    Parameters
    ----------
    onset, apex, offset : int
        Frame numbers in one common numbering, all inclusive.
    apex_in : {"both", "onset", "offset"}
        Which phase holds the apex frame. The paper does not say; by default both do, so that each phase
        ends (or begins) at the peak.

    Returns
    -------
    onset_phase, offset_phase : range
        Frame numbers of each phase, in the same numbering; a range's ``stop`` is exclusive as always.

    Raises
    ------
    InputError
        If a number is no integer, the apex lies outside onset..offset, a phase has fewer than two frames, or
        ``apex_in`` is unknown.
    """
    one_of("apex_in", apex_in, APEX_IN)
    onset, apex, offset = map(whole_number, ("onset", "apex", "offset"), (onset, apex, offset))
    if not onset <= apex <= offset:
        raise InputError(f"apex {apex} lies outside onset..offset = {onset}..{offset}; give an apex inside")
    rising = range(onset, apex + (apex_in != "offset"))
    fading = range(apex + (apex_in == "onset"), offset + 1)
    for name, phase in (("onset→apex", rising), ("apex→offset", fading)):
        if len(phase) < SHORTEST_PHASE:
            raise InputError(
                f"phase {name} has {len(phase)} frame(s) with onset {onset}, apex {apex}, offset {offset} and the apex "
                f"in {apex_in!r}; a dynamic image needs at least {SHORTEST_PHASE} frames"
            )
    return rising, fading


def apexes(onset: int, offset: int, *, apex_in: ApexIn = "both") -> range:
    """Return the frames at which `split` can split a clip.

    Parameters
    ----------
    onset, offset : int
        Frame numbers, inclusive.
    apex_in : {"both", "onset", "offset"}
        See `split`.

    Returns
    -------
    range
        Frame numbers in the same numbering; empty where the clip is too short for two phases.
    """
    one_of("apex_in", apex_in, APEX_IN)
    first = onset + SHORTEST_PHASE - (apex_in != "offset")
    last = offset + 1 - SHORTEST_PHASE + (apex_in != "onset")
    return range(first, last)


def key_frames(sample: Sample, policy: ApexPolicy = "drop", *, apex_in: ApexIn = "both") -> tuple[int, int, int]:
    """Return onset, apex and offset that a sample is built with.

    Parameters
    ----------
    sample : Sample
        Onset, apex and offset in the database's own numbering, offset inclusive.
    policy : {"drop", "midpoint", "spot"}
        What to do when the apex is missing, lies outside onset..offset, or leaves a phase of one frame:
        refuse the sample, or take the frame midway between onset and offset, rounded down. With ``spot`` that frame
        stands for the apex until the clip's frames have been looked at.
    apex_in : {"both", "onset", "offset"}
        See `split`.

    Returns
    -------
    onset, apex, offset : int
        As the table has them; where its apex is not usable, the apex is what the policy says.

    Raises
    ------
    SampleError
        ``onset-missing``, ``offset-missing``, ``offset-before-onset``, ``clip-too-long``, ``apex-missing``,
        ``apex-outside``, ``phase-too-short``.
    InputError
        If ``policy`` is unknown.
    """
    if policy not in APEX_POLICIES:
        raise InputError(f"apex policy is {policy!r}; expected one of {', '.join(APEX_POLICIES)}")
    onset, offset = _ends(sample)
    try:
        apex = _table_apex(sample, onset, offset)
        return _splittable(onset, apex, offset, apex_in)
    except SampleError:
        if policy == "drop":
            raise
    return _splittable(onset, (onset + offset) // 2, offset, apex_in)


def _ends(sample: Sample) -> tuple[int, int]:
    if sample.onset is None:
        raise SampleError("onset-missing", _no_number(sample, "onset"))
    if sample.offset is None:
        raise SampleError("offset-missing", _no_number(sample, "offset"))
    if sample.offset < sample.onset:
        raise SampleError("offset-before-onset", f"onset {sample.onset}, offset {sample.offset}")
    if sample.offset - sample.onset >= LONGEST_CLIP:
        raise SampleError(
            "clip-too-long", f"onset {sample.onset}, offset {sample.offset}; expected at most {LONGEST_CLIP} frames"
        )
    return sample.onset, sample.offset


def _no_number(sample: Sample, field: str) -> str:
    written = dict(sample.unread).get(field)
    if written is None and sample.path is not None:  # a clip that no table describes, only its frames
        return f"no table says it, nor do the numbers of frames in {sample.path}"
    return f"the table's {field} cell holds {written or ''!r}, no frame number"


def _table_apex(sample: Sample, onset: int, offset: int) -> int:
    if sample.apex is None:
        written = dict(sample.unread).get("apex")
        found = "the table has no apex column" if written is None else f"the table's apex cell holds {written!r}"
        raise SampleError("apex-missing", f"{found}; onset {onset}, offset {offset}")
    if not onset <= sample.apex <= offset:
        raise SampleError("apex-outside", f"apex {sample.apex} is not within onset..offset = {onset}..{offset}")
    return sample.apex


def _splittable(onset: int, apex: int, offset: int, apex_in: ApexIn) -> tuple[int, int, int]:
    try:
        split(onset, apex, offset, apex_in=apex_in)
    except InputError as error:
        raise SampleError("phase-too-short", str(error)) from error
    return onset, apex, offset
