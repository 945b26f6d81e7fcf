"""The rows of a cache file, written where they belong, in any order and by anybody who can write to the file.

What is computed from frames has its place when the file is made, so a row is a few writes at known offsets: the HDF5
library takes no part, and workers on threads, processes or other machines need no lock. The digest of a row is written
last. A row without it, or whose bytes differ from it, is not there: whatever a kill, a power cut or a worker of another
build left behind. For that a digest counts in whose row it is: recipe, table and sample.

While a build goes on, a key of its own stands behind the end of the cache, and a worker that has another one does not
write: it belongs to a build that was interrupted, or sees another file.
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from mer_di.cache.format import DATASET_OF, DI_STREAMS, FLOW_STREAMS, KEY_FRAMES, PHASES, flow_in, jitter_in, size_in
from mer_di.errors import CacheError

KEY_LENGTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class RenderedClip:
    """What a cache stores of the frames of one sample.

    Attributes
    ----------
    di : ndarray of float32, shape (3, S, S, 3)
        Raw sums in the order of `DI_STREAMS`, RGB.
    frames : ndarray of uint8, shape (3, S, S, 3)
        Aligned frames in the order of `KEY_FRAMES`, RGB.
    transform : ndarray of float64, shape (2, 3)
        Frame (x, y) to crop (x, y), 0-based pixel centres; with ``per-frame`` alignment that of the onset frame.
    frame_size : tuple of int
        Height and width of the source frames.
    frames_digest : str
        See `mer_di.imaging.frames.frames_digest`; empty where nobody knows the files.
    flow : ndarray of float32, shape (2, S, S, 3), optional
        In the order of `FLOW_STREAMS`: u to the right and v down, in pixels of the crop, and strain.
    jitter : ndarray of float32, shape (2, K, S, S, 3), optional
        Raw sums of both phases, onset first, at K neighbouring apexes.
    jitter_apex : ndarray of int64, shape (K,), optional
        These apexes, in the database's numbering.
    """

    di: NDArray[np.float32]
    frames: NDArray[np.uint8]
    transform: NDArray[np.float64]
    frame_size: tuple[int, int]
    frames_digest: str = ""
    flow: NDArray[np.float32] | None = None
    jitter: NDArray[np.float32] | None = None
    jitter_apex: NDArray[np.int64] | None = None

    def entries(self, owner: str, fields: Mapping[str, np.dtype[Any]]) -> Iterator[memoryview]:
        """Yield the bytes of each field of a row of this owner; the last one is the digest of all others."""
        digest, values = xxh3_128(owner.encode()), self._values()
        for name in list(fields)[:-1]:
            entry = np.ascontiguousarray(values[name], fields[name].base).data.cast("B")
            digest.update(entry)
            yield entry
        yield memoryview(digest.hexdigest().encode())

    def _values(self) -> dict[str, Any]:
        """Return what there is to write, by the names of `row_fields`."""
        height, width = self.frame_size
        flow = () if self.flow is None else zip(FLOW_STREAMS, self.flow, strict=True)
        jitter = () if self.jitter is None else zip(PHASES, self.jitter, strict=True)
        return {
            **{DATASET_OF[name]: image for name, image in zip(DI_STREAMS, self.di, strict=True)},
            **{f"frames/{name}": image for name, image in zip(KEY_FRAMES, self.frames, strict=False)},
            **{DATASET_OF[name]: image for name, image in flow},
            **{f"jitter/{name}": images for name, images in jitter},
            "samples/jitter_apex": self.jitter_apex,
            "samples/transform": self.transform,
            "samples/frame_height": height,
            "samples/frame_width": width,
            "samples/frames_digest": self.frames_digest.encode(),
        }


def row_fields(size: int, *, key_frames: bool = True, flow: bool = False, jitter: int = 0) -> dict[str, np.dtype[Any]]:
    """Return what is in a row: name of the dataset to the type of one of its entries, in the order of writing."""
    image = (size, size, 3)
    return {
        **{DATASET_OF[name]: np.dtype((np.float32, image)) for name in DI_STREAMS},
        **{f"frames/{name}": np.dtype((np.uint8, image)) for name in KEY_FRAMES if key_frames},
        **{DATASET_OF[name]: np.dtype((np.float32, image)) for name in FLOW_STREAMS if flow},
        **{f"jitter/{name}": np.dtype((np.float32, (jitter, *image))) for name in PHASES if jitter},
        **({"samples/jitter_apex": np.dtype((np.int64, (jitter,)))} if jitter else {}),
        "samples/transform": np.dtype((np.float64, (2, 3))),
        "samples/frame_height": np.dtype(np.int64),
        "samples/frame_width": np.dtype(np.int64),
        "samples/frames_digest": np.dtype("S32"),
        "samples/row_digest": np.dtype("S32"),
    }


def fields_of(recipe: str, *, key_frames: bool = True) -> dict[str, np.dtype[Any]]:
    """Return `row_fields` of a cache with this recipe, of any version."""
    return row_fields(size_in(recipe) or 0, key_frames=key_frames, flow=flow_in(recipe), jitter=jitter_in(recipe))


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the rows of a cache file are.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    size : int
        Side S of its images, in pixels.
    origin : str
        Of its recipe and table.
    offsets : mapping of str to int
        Name of each of `row_fields` to the byte at which its first entry begins.
    end : int
        Bytes of the cache.
    key : bytes
        What has to stand there to write; nothing in a file that is no build's.
    jitter : int
        Neighbouring apexes in them.
    """

    path: Path
    size: int
    origin: str
    offsets: Mapping[str, int]
    end: int
    key: bytes = b""
    jitter: int = 0

    @classmethod
    def of(cls, path: Path) -> "Rows | None":
        """Return the rows of a cache; None if they have no fixed places or, in an older cache, no digests."""
        with h5py.File(path, "r") as file:
            recipe = file.attrs["recipe"]
            wanted = fields_of(recipe, key_frames="frames" in file)
            found = {name: file[name].id.get_offset() for name in wanted if name in file}
            origin = origin_of(file.attrs["recipe_sha256"], file.attrs["annotation_sha256"])
        complete = len(found) == len(wanted) and None not in found.values()
        size = size_in(recipe)
        if size is None or not complete:
            return None
        return cls(path, size, origin, found, path.stat().st_size, jitter=jitter_in(recipe))

    @property
    def key_frames(self) -> bool:
        """Whether key frames are in them."""
        return f"frames/{KEY_FRAMES[0]}" in self.offsets

    @property
    def flow(self) -> bool:
        """Whether optical flow is in them."""
        return DATASET_OF[FLOW_STREAMS[0]] in self.offsets

    @property
    def fields(self) -> dict[str, np.dtype[Any]]:
        """What is in a row; see `row_fields`."""
        return row_fields(self.size, key_frames=self.key_frames, flow=self.flow, jitter=self.jitter)

    def write(self, index: int, sample_id: str, clip: RenderedClip) -> bytes:
        """Write a row.

        Parameters
        ----------
        index : int
            0-based.
        sample_id : str
            Whose row it is.
        clip : RenderedClip

        Returns
        -------
        bytes
            The row's digest.

        Raises
        ------
        CacheError
            If the file is not there, or another build's.
        OSError
            If the disk is full or fails.
        """
        fields = self.fields
        with self._opened() as file:
            for (name, kind), entry in zip(fields.items(), clip.entries(self.origin + sample_id, fields), strict=True):
                file.seek(self.offsets[name] + index * kind.itemsize)
                file.write(entry)
        return entry.tobytes()

    def require_open(self) -> None:
        """Make sure that this worker may write here, before the work.

        Raises
        ------
        CacheError
            See `write`.
        """
        self._opened().close()

    def read(self, index: int, sample_id: str) -> RenderedClip | None:
        """Read the row of a sample back; None if it is not there whole. Key frames that were left out are black.

        Raises
        ------
        CacheError
            If the file is not there.
        """
        fields = self.fields
        try:
            opened = self.path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise self._elsewhere() from error
        with opened as file:

            def entry(name: str) -> NDArray[Any]:
                values: NDArray[Any] = np.zeros((), fields[name])
                file.seek(self.offsets[name] + index * values.nbytes)
                file.readinto(np.atleast_1d(values).data.cast("B"))
                return values

            written = entry("samples/row_digest").tobytes()
            if not written.strip(b"\0"):
                return None
            black = np.zeros((self.size, self.size, 3), np.uint8)
            clip = RenderedClip(
                np.stack([entry(DATASET_OF[name]) for name in DI_STREAMS]),
                np.stack([entry(f"frames/{name}") if self.key_frames else black for name in KEY_FRAMES]),
                entry("samples/transform"),
                (int(entry("samples/frame_height")), int(entry("samples/frame_width"))),
                entry("samples/frames_digest").tobytes().rstrip(b"\0").decode("ascii", "replace"),
                np.stack([entry(DATASET_OF[name]) for name in FLOW_STREAMS]) if self.flow else None,
                np.stack([entry(f"jitter/{name}") for name in PHASES]) if self.jitter else None,
                entry("samples/jitter_apex") if self.jitter else None,
            )
        *_, digest = clip.entries(self.origin + sample_id, fields)
        return clip if digest == written else None

    def digest(self, index: int) -> bytes:
        """Return the digest in a row, of whatever is there."""
        length = self.fields["samples/row_digest"].itemsize
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offsets["samples/row_digest"] + index * length)
            return file.read(length)

    def _opened(self) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            file = self.path.open("r+b")
            file.seek(self.end)
            if file.read(KEY_LENGTH) == self.key:
                return file
            file.close()
        raise self._elsewhere()

    def _elsewhere(self) -> CacheError:
        return CacheError(
            f"{self.path} is not what the build writes to, seen from {socket.gethostname()}: its workers do not see "
            "the same files, or another build has begun in the same place"
        )


def origin_of(recipe_sha256: str, annotation_sha256: str) -> str:
    """Return what the rows of a cache have in common besides their place."""
    return f"{recipe_sha256}/{annotation_sha256}/"
