"""The weights of each scheme that needs nothing but a number of frames, by its formula, in exact fractions."""

from fractions import Fraction

from hypothesis import strategies as st

lengths = st.integers(1, 60)
resampled_lengths = st.integers(2, 60)  # of one frame there is no dynamic image


def harmonic_terms(n, numerator):
    return [sum(Fraction(numerator(i), i) for i in range(t, n + 1)) for t in range(1, n + 1)]


FORMULAS = {
    "arp": lambda n: [2 * t - n - 1 for t in range(1, n + 1)],
    "reversed_arp": lambda n: [n + 1 - 2 * t for t in range(1, n + 1)],
    "harmonic_arp": lambda n: harmonic_terms(n, lambda i: 2 * i - n - 1),
    "harmonic_legacy": lambda n: harmonic_terms(n, lambda i: 2 * i - n),
    "active_image": lambda n: [max(0, t - 2) - max(0, n - t - 1) for t in range(1, n + 1)],
    "apex_centred": lambda n: [2 * t - n - 1 for t in range(1, n + 1)],  # the apex is the last frame
    "motion_ranked": lambda n: [2 * t - n - 1 for t in range(1, n + 1)],  # the motion grows
}
ZERO_SUM = tuple(name for name in FORMULAS if name != "harmonic_legacy")
