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
        Whether a subject of one manifest is another person than one of that name, or nearly, in another.

    Raises
    ------
    InputError
        If somebody is.
    """
    _require_frames_of_one_person(sources)
    named: dict[str, Path] = {}
    for source in () if as_written else [each for each in sources if each.is_manifest]:
        people = _subjects(source)
        shared: list[tuple[str, ...]] = [(name, name) for name in sorted(people & named.keys())]
        shared += other_spellings(people | named.keys())
        if shared:
            there = next(named[name] for name in shared[0] if name in named)
            written = " or ".join(map(repr, dict.fromkeys(shared[0])))
            raise InputError(
                f"{there} and {source.path} both hold a subject {written}, and {len(shared)} in all; of two tables of "
                f"yours that may be one person, and {TESTED}. If so, join them: mer-di merge. If not, take the tables' "
                "word with --subjects-as-written, or name the subjects apart in one of them, and build again"
            )
        named |= dict.fromkeys(people, source.path)


def _require_frames_of_one_person(sources: "Sequence[Source]") -> None:
    """Refuse frames that stand under two subjects, unless they show nobody: several clips of one person are the same.

    Those are pictures in place of frames, such as black ones.
    """
    clips: dict[str, dict[tuple[Path, str], list[str]]] = {}
    for source in sources:
        for digest, sample_id, subject in _frames(source):
            clips.setdefault(digest, {}).setdefault((source.path, subject), []).append(sample_id)
    for people in clips.values():
        if len(people) > 1 and all(len(of_one) == 1 for of_one in people.values()):
            (path, _), (other_path, _) = list(people)[:2]
            (sample,), (other,) = list(people.values())[:2]
            raise InputError(
                f"{sample} of {path} and {other} of {other_path} are the same frames, and would count as two "
                f"people's: {TESTED}. Let each clip be one row of one table, and build again"
            )


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
