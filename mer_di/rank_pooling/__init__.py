"""Weights of rank pooling: a dynamic image is a row of weights over frames, and this is where the rows come from."""

from mer_di.rank_pooling.exact import Weights, on_grid
from mer_di.rank_pooling.magnification import Magnification
from mer_di.rank_pooling.motion import Motion, motion_intensity
from mer_di.rank_pooling.rows import Reversal, phase_weights, scheme_weights, temporal_normalization
from mer_di.rank_pooling.schemes import (
    SCHEMES,
    active_image,
    apex_centred,
    arp,
    harmonic_arp,
    harmonic_legacy,
    magnified,
    motion_ranked,
    reversed_arp,
)

__all__ = [
    "SCHEMES",
    "Magnification",
    "Motion",
    "Reversal",
    "Weights",
    "active_image",
    "apex_centred",
    "arp",
    "harmonic_arp",
    "harmonic_legacy",
    "magnified",
    "motion_intensity",
    "motion_ranked",
    "on_grid",
    "phase_weights",
    "reversed_arp",
    "scheme_weights",
    "temporal_normalization",
]
