"""The cache of a build that goes on, beside the place where it will stand: a killed build resumes from its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di.building.identity import departures_from, identity, image_key, image_keys
from mer_di.cache import Entry, Provenance, Rows, make_cache, open_unfinished, put_in_place
from mer_di.errors import CacheError

_IN_PIECES = (
    KeyError,
    OSError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)  # what reading raises of what a power cut left


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The file of an unfinished build: a cache that lacks some rows.

    It appears with everything that the table says, and rows fill it. So what a kill leaves behind is a row more or
    less, and a row says itself whether it is whole (see `mer_di.cache.Rows`).

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
        self, provenance: Provenance, entries: Sequence[Entry], dropped: Mapping[str, str], former: Path | None = None
    ) -> tuple[Rows, bool]:
        """Go on with the file that is there, or make it.

        Parameters
        ----------
        provenance, entries, dropped
            See `mer_di.cache.make_cache`.
        former : pathlib.Path, optional
            A complete cache of the same identity, whose rows are taken over.

        Returns
        -------
        rows : Rows
            One for each entry, in their order.
        begun : bool
            Whether some of them may be there already.

        Raises
        ------
        CacheError
            If the file belongs to a build of another identity; the message names each field that differs.
        OSError
            If the disk is full or the folder cannot be written.
        """
        sources = [former] if former else []
        if self._is_there(provenance):
            sources.append(self.path)
        aside = self.path.with_name(f".{self.path.name}.tmp")
        try:
            rows = make_cache(aside, provenance, entries, dropped)
            for source in sources:
                _take_over(source, rows, entries)
            put_in_place(aside, self.path)
        finally:
            aside.unlink(missing_ok=True)
        return replace(rows, path=self.path), bool(sources)

    def remove(self) -> None:
        """Delete the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def is_of(self, provenance: Provenance) -> bool:
        """Whether a build of this identity would go on with what is there, or nothing is there."""
        try:
            self._is_there(provenance)
        except CacheError:
            return False
        return True

    def _is_there(self, provenance: Provenance) -> bool:
        """Whether there is a file, and a power cut has not emptied it."""
        if not self.path.exists():
            return False
        try:
            with open_unfinished(self.path) as cache:
                changed = departures_from(identity(provenance), cache)
        except _IN_PIECES:
            return False
        if changed:
            raise CacheError(
                f"an interrupted build in {self.path} was started differently (ours | found): {'; '.join(changed)}. "
                "Repeat its settings to resume it, choose another --out, or start afresh with --overwrite."
            )
        return True


def _take_over(source: Path, rows: Rows, entries: Sequence[Entry]) -> None:
    """Copy the rows of a cache of the same identity that are whole and whose images are those of the entries.

    Its table is not taken over: nothing says whether that is whole.
    """
    try:
        theirs = Rows.of(source, rows.size)
        with open_unfinished(source) as cache:
            index = {key: number for number, key in enumerate(image_keys(cache))}
    except _IN_PIECES:
        return
    if theirs is None:
        return
    for number, entry in enumerate(entries):
        key = image_key(entry)
        row = theirs.read(index[key], entry.sample_id) if key in index else None
        if row:
            rows.write(number, entry.sample_id, row)
