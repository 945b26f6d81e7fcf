"""Who is probably the same person: under another spelling (`1`, `01`, `1.0`, `S01`, `sub1`), or in another database."""

import re
import unicodedata
from collections.abc import Iterable

from mer_di.origin import SYNTHETIC

_PARTS = re.compile(r"[^\W\d_]+|\d+|[^\w\s.-]")  # what stands between them, such as a space or "_", says nothing
_DECIMALS = re.compile(r"(?<=\d)\.0*$")  # of a number that went through a spreadsheet
_WORDS = ("s", "sub", "subj", "subject", "person", "participant", "id", "spno")
_NUMBER = re.compile(rf"(?:(?:{'|'.join(_WORDS)})[\s_-]*)?(\d{{1,18}})")  # what 64 bits hold
_SHOWN_AGAIN = {"samm_lv": "samm"}  # the recordings that SAMM's clips were cut from


def people_of(dataset: str) -> str:
    """Return the database whose people a database shows: itself, unless its owners show those of another again.

    Examples
    --------
    >>> people_of("samm_lv"), people_of("synthetic-samm_lv"), people_of("mmew")
    ('samm', 'synthetic-samm', 'mmew')
    """
    drawn = f"{SYNTHETIC}-" if dataset.startswith(f"{SYNTHETIC}-") else ""
    shown = dataset.removeprefix(drawn)
    return drawn + _SHOWN_AGAIN.get(shown, shown)


def other_spellings(subjects: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of subjects that differ by no more than their spelling.

    Case, width, leading zeros, a decimal point, what separates letters from numbers, invisible characters, and the
    word for a subject before a number tell no two people apart.

    Parameters
    ----------
    subjects : iterable of str

    Returns
    -------
    list of tuple of str
        Each of two or more, sorted.

    Examples
    --------
    >>> other_spellings(["S01", "1", "2", "anna", "Anna", "p2", "p02"])
    [('1', 'S01'), ('Anna', 'anna'), ('p02', 'p2')]
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for subject in sorted(set(subjects)):
        alike.setdefault(_spelled(subject), []).append(subject)
    return [tuple(group) for group in alike.values() if len(group) > 1]


def subject_number(text: str) -> int | None:
    """Return the number that a subject is written as, or None if it is no number.

    Examples
    --------
    >>> subject_number("006"), subject_number("S1.0"), subject_number("sub26"), subject_number("anna")
    (6, 1, 26, None)
    """
    match = _NUMBER.fullmatch(_plain(text))
    return int(match[1]) if match else None


def _spelled(subject: str) -> tuple[str, ...]:
    name = _plain(subject)
    parts = [_without_zeros(part) if part.isdecimal() else part for part in _PARTS.findall(name)]
    if len(parts) > 1 and parts[0] in _WORDS and parts[1].isdecimal():
        del parts[0]
    return tuple(parts) or (name,)


def _plain(subject: str) -> str:
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", subject) if unicodedata.category(sign) != "Cf")
    return _DECIMALS.sub("", seen.casefold().strip())


def _without_zeros(digits: str) -> str:
    return "".join(str(unicodedata.decimal(digit)) for digit in digits).lstrip("0") or "0"
