"""A sample is dropped for what it is."""

import errno

import cv2
import pytest
from tiny_build import load, plain

from mer_di import build_cache
from mer_di.building.faults import require_fault_of_data
from mer_di.errors import CacheError, SampleError
from mer_di.imaging import frames


def unreadable(cause):
    error = SampleError("frame-unreadable", "img4.png cannot be read")
    error.__cause__ = cause
    return error


def no_memory():
    error = cv2.error("Insufficient memory")
    error.code = cv2.Error.StsNoMem
    return error


class OfFFmpeg(OSError):
    """Its errors are named after those of the system and mean other things."""


@pytest.mark.parametrize(
    "cause",
    [
        None,
        ValueError(),
        FileNotFoundError(errno.ENOENT, "gone"),
        PermissionError(errno.EACCES, "closed"),
        IsADirectoryError(errno.EISDIR, "a folder"),
        OfFFmpeg(errno.EIO, "cut short"),
        cv2.error("damaged"),
    ],
)
def test_what_lies_in_the_data_drops_a_sample(cause):
    require_fault_of_data(unreadable(cause))


@pytest.mark.parametrize(
    ("cause", "raised"),
    [(OSError(number, "trouble"), OSError) for number in (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE)]
    + [(MemoryError(), MemoryError), (no_memory(), MemoryError)],
)
def test_what_lies_in_the_machine_is_raised(cause, raised):
    with pytest.raises(raised):
        require_fault_of_data(unreadable(cause))


def test_too_many_open_files_end_a_build_and_drop_nothing(tiny, tmp_path, monkeypatch):
    out, read, calls = tmp_path / "cache.h5", frames.read_file, []

    def failing(file):
        calls.append(file)
        if len(calls) < 20:
            return read(file)
        cause = OSError(errno.EMFILE, "Too many open files", file)
        raise SampleError("frame-unreadable", f"{file} cannot be read") from cause

    monkeypatch.setattr(frames, "read_file", failing)
    with pytest.raises(CacheError, match=r"stopped: Too many open files: .*img.*kept in .*unfinished.*resume"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    report = build_cache(load(tiny), out, plain())
    assert report.resumed >= 2
    assert report.dropped == {}
