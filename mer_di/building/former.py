"""The complete cache that a build finds in its place: what is asked of it, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mer_di.building.identity import Key, departures_from, identity, image_keys, kept, table_keys
from mer_di.cache import Provenance, Rows, open_cache
from mer_di.errors import CacheError


@dataclass(frozen=True, slots=True)
class Former:
    """A complete cache of the same identity.

    Attributes
    ----------
    path : pathlib.Path
    rows : Rows
    samples : sequence of str
        Sample ids, by row.
    table, images : sequence of Key
        `table_key` and `image_key` of each row.
    dropped : mapping of str to str
        Sample id to reason.
    """

    path: Path
    rows: Rows
    samples: Sequence[str]
    table: Sequence[Key]
    images: Sequence[Key]
    dropped: Mapping[str, str]


def read_former(path: Path, provenance: Provenance) -> Former:
    """Read what stands under a cache's name.

    Raises
    ------
    CacheError
        If it is damaged, was made differently, or holds no digests by which a row could be told from another.
    """
    try:
        with open_cache(path) as cache:
            changed = departures_from(identity(provenance), {**cache.attributes, "key_frames": kept(cache.has_frames)})
            rows = Rows.of(path)
            damaged = cache.table_is_as_written is False
            samples = [str(name) for name in cache.column("sample_id")]
            table, images, dropped = table_keys(cache), image_keys(cache), cache.dropped
    except CacheError as error:
        raise CacheError(
            f"{error}. It is left as it is; replace it with --overwrite, or choose another --out"
        ) from error
    if changed:
        raise CacheError(
            f"{path} exists and was made differently (ours | found): {'; '.join(changed)}. "
            "Choose another --out, or replace it with --overwrite."
        )
    if damaged:
        raise CacheError(
            f"{path} holds a table that is not what was written: it was damaged, or changed by another program. It is "
            "left as it is; replace it with --overwrite, or choose another --out"
        )
    if rows is None:
        raise CacheError(
            f"{path} was written by an older mer_di or packed anew by another program: it has no digests of frames and "
            "rows at fixed places, so nothing says whether a build would make the same. It is left as it is; choose "
            "another --out, or replace it with --overwrite"
        )
    return Former(path, rows, samples, table, images, dropped)
