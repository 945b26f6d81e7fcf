"""Who is probably the same person under another spelling: `1`, `01`, `1.0`, `S01`, `sub1`."""

import re
import unicodedata
from collections.abc import Iterable

_NUMBERED = re.compile(r"(?:s|sub|subj|subject)?[\s_-]*0*([0-9]+)(?:\.0*)?")


def other_spellings(subjects: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of subjects that differ by no more than their spelling.

    Case, leading zeros, a decimal point and the word for a subject before a number tell no two people apart.

    Parameters
    ----------
    subjects : iterable of str

    Returns
    -------
    list of tuple of str
        Each of two or more, sorted.

    Examples
    --------
    >>> other_spellings(["S01", "1", "2", "anna", "Anna", "p2"])
    [('1', 'S01'), ('Anna', 'anna')]
    """
    alike: dict[str, list[str]] = {}
    for subject in sorted(set(subjects)):
        name = unicodedata.normalize("NFKC", subject).casefold().strip()
        numbered = _NUMBERED.fullmatch(name)
        alike.setdefault(numbered[1] if numbered else name, []).append(subject)
    return [tuple(group) for group in alike.values() if len(group) > 1]
