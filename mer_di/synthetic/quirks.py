"""What is wrong with real databases, planted on purpose: each trap that a loader has to see is there at least once.

Kinds are called as the library calls them: the reason for which a build drops the sample, or the finding that a
loaded database carries; the others are traps that must not have an effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from mer_di.errors import InputError
from mer_di.synthetic.layouts import Entry
from mer_di.synthetic.tables import Row

MESSY: Final = ("casme2", "samm", "mmew", "casme", "dfme", "4dme")
"""Layouts whose clips can be spoiled one by one: elsewhere rows share a recording, or know no apex."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One quirk that was planted; subject and clip are empty where it concerns the whole database."""

    kind: str
    subject: str
    clip: str
    what: str


@dataclass(frozen=True, slots=True)
class _Quirk:
    kind: str
    spoil: Callable[[Entry], tuple[Entry, str]]
    labels: tuple[str, ...] = ()  # the only ones that it can befall


def plant(entries: Sequence[Entry], layout: str, seed: int) -> tuple[list[Entry], list[Planted]]:
    """Spoil some clips of a database, each in one way.

    Parameters
    ----------
    entries : sequence of Entry
        A clean database.
    layout : str
        One with a folder for each row and an apex in each: those of `MESSY`.
    seed : int
        Chooses the clips.

    Returns
    -------
    entries : list of Entry
        In the same order.
    planted : list of Planted

    Raises
    ------
    InputError
        If fewer than half of the clips would stay as they are, or no quirks of the layout are known.
    """
    if layout not in MESSY:
        raise InputError(f"no messy {layout} database can be drawn; expected one of {', '.join(MESSY)}")
    known = (*_CLIP_QUIRKS, *_LAYOUT_QUIRKS.get(layout, ()))
    quirks = [quirk for quirk in known if any(_can_befall(quirk, entry) for entry in entries)]
    if len(entries) < 2 * len(quirks):
        raise InputError(
            f"a messy {layout} database needs {2 * len(quirks)} clips or more, of which {len(quirks)} are spoiled; "
            f"{len(entries)} were asked for: raise subjects or clips_per_emotion"
        )
    spoiled = list(entries)
    planted: list[Planted] = []
    free = np.random.default_rng((seed, len(entries))).permutation(len(entries)).tolist()
    for quirk in quirks:
        index = next(i for i in free if _can_befall(quirk, entries[i]))
        free.remove(index)
        spoiled[index], what = quirk.spoil(entries[index])
        planted.append(Planted(quirk.kind, entries[index].subject, entries[index].clip, what))
    if layout not in _REARRANGED:
        return spoiled, planted
    rearranged, of_all = _REARRANGED[layout](spoiled)
    return rearranged, [*planted, *of_all]


def litter(root: Path, entries: Sequence[Entry]) -> Planted:
    """Leave behind what operating systems leave behind: in the root and in the first clip's folder."""
    folder = next(root / entry.folder for entry in entries if entry.folder)
    junk = [root / ".DS_Store", folder / "Thumbs.db", folder / ".DS_Store", folder / "._1.jpg"]
    for file in junk:
        file.write_bytes(b"\x00\x05\x16\x07 no image")
    return Planted("litter", "", "", ", ".join(file.relative_to(root).as_posix() for file in junk))


def _can_befall(quirk: _Quirk, entry: Entry) -> bool:
    return not quirk.labels or _row(entry).label in quirk.labels


def _spoken(entry: Entry, **cells: object) -> Entry:
    return replace(entry, row=replace(_row(entry), **cells))  # type: ignore[arg-type]


def _row(entry: Entry) -> Row:
    if entry.row is None:
        raise InputError(f"the clip {entry.subject}/{entry.clip} has no row in the table to be spoiled")
    return entry.row


def _without_apex(entry: Entry) -> tuple[Entry, str]:
    return _spoken(entry, apex="/"), "the table's apex is /"


def _apex_at_onset(entry: Entry) -> tuple[Entry, str]:
    onset = _row(entry).onset
    return _spoken(entry, apex=onset), f"the table's apex is the onset, {onset}"


def _apex_at_offset(entry: Entry) -> tuple[Entry, str]:
    offset = _row(entry).offset
    return _spoken(entry, apex=offset), f"the table's apex is the offset, {offset}"


def _apex_outside(entry: Entry) -> tuple[Entry, str]:
    offset = _row(entry).offset
    return _spoken(entry, apex=offset + 9), f"the table's apex is {offset + 9}, after the offset {offset}"


def _truncated(entry: Entry) -> tuple[Entry, str]:
    last = (entry.take.apex + entry.take.offset) // 2
    kept = range(entry.stored.start, last + 1)
    return replace(entry, stored=kept), f"the files end with {entry.file(last)}, before the offset"


def _gap(entry: Entry) -> tuple[Entry, str]:
    middle = (entry.take.onset + entry.take.apex) // 2
    return replace(entry, missing=middle), f"{entry.file(middle)} is absent"


def _cut(entry: Entry) -> tuple[Entry, str]:
    middle = (entry.take.apex + entry.take.offset) // 2
    return replace(entry, cut=middle), f"the file {entry.file(middle)} ends early"


def _shrunk(entry: Entry) -> tuple[Entry, str]:
    middle = (entry.take.apex + entry.take.offset) // 2
    return replace(entry, shrunk=middle), f"{entry.file(middle)} has another size than the other frames"


def _without_folder(entry: Entry) -> tuple[Entry, str]:
    return replace(entry, folder=None), "the table has a row, the disk no folder"


def _without_row(entry: Entry) -> tuple[Entry, str]:
    return replace(entry, row=None), "the disk has a folder, the table no row"


def _spaced_label(entry: Entry) -> tuple[Entry, str]:
    label = f" {_row(entry).label} "
    return _spoken(entry, label=label), f"the label is written {label!r}"


def _other_capitals(entry: Entry) -> tuple[Entry, str]:
    label = _row(entry).label.upper()
    return _spoken(entry, label=label), f"the label is written {label!r}"


def _other_word(entry: Entry) -> tuple[Entry, str]:
    label = "others" if _row(entry).label == "Other" else "Other"
    return _spoken(entry, label=label), f"the label is written {label!r}"


def _other_padding(entry: Entry) -> tuple[Entry, str]:
    renamed = replace(entry, file_name=entry.file_name.replace("{:05d}", "{:07d}"))
    return renamed, f"the files are numbered with seven digits: {renamed.file(entry.stored[0])}"


def _wrong_folder(entry: Entry) -> tuple[Entry, str]:
    wrong = "surprise" if entry.take.emotion == "happiness" else "happiness"
    folder = f"Micro_Expression/{wrong}/{entry.clip}"
    return replace(entry, folder=folder), f"the label is {_row(entry).label}, the folder {wrong}"


_CLIP_QUIRKS: Final = (
    _Quirk("label-spelling", _other_word, labels=("others", "Others", "Other")),
    _Quirk("label-spelling", _spaced_label),
    _Quirk("label-spelling", _other_capitals),
    _Quirk("apex-missing", _without_apex),
    _Quirk("apex-outside", _apex_outside),
    _Quirk("phase-too-short", _apex_at_onset),
    _Quirk("phase-too-short", _apex_at_offset),
    _Quirk("frames-missing", _truncated),
    _Quirk("frame-gap", _gap),
    _Quirk("frame-unreadable", _cut),
    _Quirk("frame-size-changes", _shrunk),
    _Quirk("clip-not-found", _without_folder),
    _Quirk("folder-without-row", _without_row),
)
_LAYOUT_QUIRKS: Final = {
    "samm": (_Quirk("frame-padding", _other_padding),),
    "mmew": (_Quirk("label-contradicts-folder", _wrong_folder),),
}


def _moved(entries: Sequence[Entry], old: str, new: str) -> list[Entry]:
    return [
        replace(entry, folder=new + entry.folder.removeprefix(old))
        if entry.folder is not None and entry.folder.startswith(old)
        else entry
        for entry in entries
    ]


def _casme2_rearranged(entries: Sequence[Entry]) -> tuple[list[Entry], list[Planted]]:
    owners: dict[str, list[str]] = {}
    for entry in entries:
        if entry.row is not None:
            owners.setdefault(entry.clip, []).append(entry.subject)
    shared = [(clip, subjects) for clip, subjects in owners.items() if len(subjects) > 1]
    if not shared:
        raise InputError("a messy casme2 database shares clip names among subjects; expected 2 subjects or more")
    old = next("/".join(entry.folder.split("/")[:2]) for entry in entries if entry.folder)
    new = old.split("/")[1].lower()
    clip, subjects = shared[0]
    return _moved(entries, old, new), [
        Planted("clip-name-shared", "", "", f"{len(shared)} names are shared: {clip} by {', '.join(subjects)}"),
        Planted("renamed-folder", "", "", f"{old} is called {new}"),
    ]


def _samm_rearranged(entries: Sequence[Entry]) -> tuple[list[Entry], list[Planted]]:
    return _moved(entries, "", "SAMM/"), [Planted("doubled-folder", "", "", "the subjects lie in another folder SAMM")]


def _mmew_rearranged(entries: Sequence[Entry]) -> tuple[list[Entry], list[Planted]]:
    renamed = _moved(entries, "Micro_Expression/others/", "Micro_Expression/repression/")
    return _moved(renamed, "", "Micro_Expression/"), [
        Planted("folder-alias", "", "", "the clips labelled others lie in a folder repression"),
        Planted("doubled-folder", "", "", "Micro_Expression lies in another folder Micro_Expression"),
    ]


_REARRANGED: Final = {"casme2": _casme2_rearranged, "samm": _samm_rearranged, "mmew": _mmew_rearranged}
