"""A file in memory, for what is small and lies far apart."""

import io
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PAGE = 4096


class Sparse(io.RawIOBase):
    """A file in memory; what nobody has written is zero and takes no room."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(_PAGE))
        self._at = self._end = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Set the length."""
        self._end = self._at if size is None else size
        return self._end

    def write(self, content: "ReadableBuffer") -> int:
        """Write at the present place."""
        given = memoryview(content).cast("B")
        for page, within, part in self._places(len(given)):
            self._pages[page][within] = given[part]
        self._end = max(self._end, self._at)
        return len(given)

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read from the present place; as zeros beyond the end."""
        wanted = memoryview(buffer).cast("B")
        for page, within, part in self._places(len(wanted)):
            wanted[part] = self._pages[page][within] if page in self._pages else bytes(part.stop - part.start)
        return len(wanted)

    def part(self, start: int, stop: int) -> bytes:
        """Return the bytes from one place to another."""
        content = bytearray(stop - start)
        self.seek(start)
        self.readinto(content)
        return bytes(content)

    def _places(self, count: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield page, where in it, and which part of the buffer belongs there; and go on."""
        start = self._at
        while (done := self._at - start) < count:
            page, first = divmod(self._at, _PAGE)
            length = min(_PAGE - first, count - done)
            self._at += length
            yield page, slice(first, first + length), slice(done, done + length)
