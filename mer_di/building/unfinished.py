"""The cache of a build that goes on, beside the place where it will stand: a killed build resumes from its rows."""

import json
import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from xxhash import xxh3_128_digest

from mer_di.building.destination import HDF5_SIGNATURE, require_regular
from mer_di.building.identity import Key, departures_from, identity, image_key
from mer_di.cache import KEY_LENGTH, Draft, Entry, Provenance, Rows, draft_cache, put_in_place
from mer_di.errors import CacheError
from mer_di.files import written_aside

_NOTE_VERSION = 1
_TRAILER = struct.Struct("<Q16s")  # length and digest of the note before it
_NOBODY = bytes(KEY_LENGTH)

Note = dict[str, Any]

Found = Literal["nothing", "a build", "a damaged file"]
"""What an interrupted build left; a damaged file does not say any more whose it is, but its rows do."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The file of an unfinished build: a cache that lacks some rows, and behind it a key and a note.

    It appears with everything that the table says, and rows fill it. What a kill leaves behind is a row more or less,
    and a row says itself whether it is whole (see `mer_di.cache.Rows`). The note says whose rows they are and where
    they lie; so nobody asks HDF5 about a file that may be damaged: everything but the rows is written anew.

    Attributes
    ----------
    path : pathlib.Path
    """

    path: Path

    @classmethod
    def beside(cls, cache: Path) -> "Unfinished":
        """Return the unfinished file of a cache path: ``name.h5.unfinished``."""
        return cls(cache.with_name(f"{cache.name}.unfinished"))

    def claim(
        self,
        provenance: Provenance,
        entries: Sequence[Entry],
        dropped: Mapping[str, str],
        *,
        discard: bool = False,
    ) -> tuple[Rows, Found]:
        """Go on with the file that is there, or make it.

        Where the plan is still the same this takes place in the file itself, else in a second one.

        Parameters
        ----------
        provenance, entries, dropped
            See `mer_di.cache.draft_cache`.
        discard : bool
            Begin anew where the file belongs to a build of another identity.

        Returns
        -------
        rows : Rows
            One for each entry, in their order.
        found : Found
            What was there.

        Raises
        ------
        CacheError
            If the file belongs to a build of another identity; the message names each field that differs. If it is
            nothing that a build leaves behind.
        OSError
            If the disk is full or fails, or the folder cannot be written.
        """
        there = self._is_there()
        theirs = _note_of(self.path) if there else None
        changed = _departures(provenance, theirs) if theirs else []
        if changed and not discard:
            raise CacheError(
                f"an interrupted build in {self.path} was started differently (ours | found): {'; '.join(changed)}. "
                "Repeat its settings to resume it, choose another --out, or start afresh with --overwrite."
            )
        if changed:
            self.remove()
            there, theirs = False, None
        draft = draft_cache(provenance, entries, dropped)
        ours = _note(provenance, entries, draft)
        found: Found = "a build" if there else "nothing"
        if there and theirs in (None, ours):
            found = "a build" if theirs or draft.stands_in(self.path) else "a damaged file"
            rows = draft.lay_out(self.path)
            _write_note(rows, ours)
        else:
            rows = self._laid_out_anew(draft, ours, entries, theirs)
        return self.admit(rows), found

    def admit(self, rows: Rows) -> Rows:
        """Return the rows for those who may write from now on; all others may not."""
        key = secrets.token_bytes(KEY_LENGTH)
        self._write_key(rows, key)
        return replace(rows, key=key)

    def close(self, rows: Rows) -> None:
        """Let nobody begin to write any more."""
        self._write_key(rows, _NOBODY)

    def put_in_place(self, rows: Rows, cache: Path) -> None:
        """Make it the cache.

        Raises
        ------
        OSError
            If the disk fails; a former file is untouched.
        """
        with self.path.open("r+b") as file:
            file.truncate(rows.end)
        put_in_place(self.path, cache)

    def remove(self) -> None:
        """Delete the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def is_of(self, provenance: Provenance) -> bool:
        """Whether a build of this identity would go on with what is there."""
        found = _note_of(self.path) if self._is_there() else None
        return found is not None and not _departures(provenance, found)

    def _is_there(self) -> bool:
        if not self.path.exists():
            return False
        require_regular(self.path)
        with self.path.open("rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
        if start.strip(b"\0") and start != HDF5_SIGNATURE:
            raise CacheError(f"{self.path} is nothing that a build left, and not touched; move it away")
        return True

    def _laid_out_anew(self, draft: Draft, note: Note, entries: Sequence[Entry], theirs: Note | None) -> Rows:
        with written_aside(self.path) as aside:
            rows = draft.lay_out(aside)
            if theirs:
                index = {tuple(key): number for number, key in enumerate(theirs["images"])}
                places = {name: theirs[name] for name in ("origin", "offsets", "end")}
                take_over(replace(draft.rows, path=self.path, **places), index, rows, entries)
            _write_note(rows, note)
        return replace(rows, path=self.path)

    def _write_key(self, rows: Rows, key: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(rows.end)
            file.write(key)


def _note(provenance: Provenance, entries: Sequence[Entry], draft: Draft) -> Note:
    return {
        "version": _NOTE_VERSION,
        "identity": identity(provenance),
        "images": [list(image_key(entry)) for entry in entries],
        "origin": draft.rows.origin,
        "offsets": dict(draft.rows.offsets),
        "end": draft.rows.end,
    }


def _write_note(rows: Rows, note: Note) -> None:
    text = json.dumps(note).encode()
    with rows.path.open("r+b") as file:
        file.seek(rows.end)
        file.write(_NOBODY + text + _TRAILER.pack(len(text), xxh3_128_digest(text)))
        file.truncate()


def _note_of(path: Path) -> Note | None:
    """Read the note of a file; None if there is none, or a power cut has damaged it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < _TRAILER.size:
            return None
        file.seek(size - _TRAILER.size)
        length, digest = _TRAILER.unpack(file.read())
        if length > size - _TRAILER.size:
            return None
        file.seek(size - _TRAILER.size - length)
        text = file.read(length)
    if xxh3_128_digest(text) != digest:
        return None
    note: Note = json.loads(text)
    return note


def _departures(provenance: Provenance, found: Note) -> list[str]:
    if found["version"] != _NOTE_VERSION:
        return [f"version of the unfinished file: {_NOTE_VERSION} | {found['version']}"]
    return departures_from(identity(provenance), found["identity"])


def take_over(theirs: Rows, index: Mapping[Key, int], rows: Rows, entries: Sequence[Entry]) -> None:
    """Copy what another file of the same identity has and this one lacks.

    Parameters
    ----------
    theirs : Rows
    index : mapping of Key to int
        Their rows by `image_key`: what the table says of the rest is not taken over.
    rows : Rows
    entries : sequence of Entry
        Whose rows these are.
    """
    for number, entry in enumerate(entries):
        place = index.get(image_key(entry))
        if place is None or rows.read(number, entry.sample_id):
            continue
        row = theirs.read(place, entry.sample_id)
        if row:
            rows.write(number, entry.sample_id, row)
