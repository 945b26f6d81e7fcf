"""Whose fault it is that a sample cannot be used: the data's, which drops it, or the machine's, which ends a build."""

import errno

import cv2

from mer_di.errors import SampleError

_OF_THE_MACHINE = frozenset(
    getattr(errno, name)
    for name in (
        *("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EINTR"),
        *("EIO", "ESTALE", "ENODEV", "ENXIO", "EREMOTEIO", "ETIMEDOUT"),  # a disk that fails, a share that is away
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENOTCONN", "ECONNRESET", "ECONNABORTED"),
    )
    if hasattr(errno, name)
)


def require_fault_of_data(error: SampleError) -> None:
    """Make sure that a sample is dropped for what it is, not for a trouble of the machine that would drop sound ones.

    Raises
    ------
    OSError, MemoryError
        What made it unreadable, where that says nothing of the data: too many open files, a lack of memory, a disk or a
        share that fails.
    """
    cause = error.__cause__
    # FFmpeg's own errors are OSErrors as well; there EIO means a file that was cut short
    if type(cause).__module__ == "builtins" and isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE:
        raise cause
    if isinstance(cause, MemoryError) or (isinstance(cause, cv2.error) and cause.code == cv2.Error.StsNoMem):
        raise MemoryError(str(error)) from error
