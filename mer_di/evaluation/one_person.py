"""Nobody is two people: under two spellings, in two tables, or by the same frames under two names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mer_di.cache import open_cache
from mer_di.errors import InputError
from mer_di.people import other_spellings

if TYPE_CHECKING:
    from mer_di.evaluation.corpus import Source

Spellings = list[tuple[Path, tuple[str, ...]]]

TESTED = "a network would be tested on a person whom it was trained on"


def alike_spellings(sources: "Sequence[Source]") -> Spellings:
    """Return the subjects of each cache that differ by no more than their spelling."""
    return [(source.path, group) for source in sources for group in other_spellings(_subjects(source))]


def require_people(alike: Spellings) -> None:
    """Refuse subjects that differ by no more than their spelling.

    Raises
    ------
    InputError
        If there are any.
    """
    if alike:
        groups = "; ".join(" and ".join(map(repr, group)) for _, group in alike)
        raise InputError(
            f"{alike[0][0]} holds subjects that are probably one person each: {groups}. If so, {TESTED}. Write them "
            "alike in the table and build again. If they are different people, name them apart, or take the table's "
            "word with --subjects-as-written"
        )


def require_one_person_each(sources: "Sequence[Source]", as_written: bool) -> None:
    """Make sure that nobody is two people: by frames that stand under two names, or by a name in two manifests.

    Parameters
    ----------
    sources : sequence of Source
    as_written : bool
        Whether another spelling in another manifest is another person.

    Raises
    ------
    InputError
        If somebody is.
    """
    of_frames: dict[str, tuple[Path, str, str]] = {}
    named: dict[str, Path] = {}
    for source in sources:
        for digest, sample_id, subject in _frames(source):
            path, other, of = of_frames.setdefault(digest, (source.path, sample_id, subject))
            if (path, of) != (source.path, subject):
                raise InputError(
                    f"{other} of {path} and {sample_id} of {source.path} are the same frames, and would count as two "
                    f"people's: {TESTED}. Let each clip be one row of one table, and build again"
                )
        if not source.is_manifest:
            continue
        people = _subjects(source)
        shared: list[tuple[str, ...]] = [(name, name) for name in sorted(people & named.keys())]
        shared += [] if as_written else other_spellings(people | named.keys())
        if shared:
            there = next(named[name] for name in shared[0] if name in named)
            written = " or ".join(map(repr, dict.fromkeys(shared[0])))
            raise InputError(
                f"{there} and {source.path} both hold a subject {written}, and {len(shared)} in all; of two tables of "
                f"yours that may be one person, and {TESTED}. If so, join them: mer-di merge. If not, name the "
                "subjects apart in one of the tables, and build again"
            )
        named |= dict.fromkeys(people, source.path)


def _subjects(source: "Source") -> set[str]:
    with open_cache(source.path) as cache:
        return {*cache.column("subject").tolist()}


def _frames(source: "Source") -> Iterator[tuple[str, str, str]]:
    """Yield the digest of each sample's frames, where it is known, its id and its subject."""
    with open_cache(source.path) as cache:
        if "frames_digest" not in cache.file["samples"]:  # it was built before they were known
            return
        columns = [cache.column(name).tolist() for name in ("frames_digest", "sample_id", "subject")]
    yield from (row for row in zip(*columns, strict=True) if row[0])
