"""The process of a command: standard streams that take whatever is printed, and signals that end it in order."""

import codecs
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_STOPPED_BY = ("SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK")  # those that there are
_CONTROLS = (*range(32), *range(127, 160))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_STEERING = {code: ascii(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS) if chr(code) not in "\t\n\r"}


class Stopped(KeyboardInterrupt):
    """A signal that ends the process; whoever cleans up after Ctrl-C cleans up after this."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Output(io.TextIOWrapper):
    """A standard stream that takes every text: what it cannot show is escaped, and what would steer a terminal."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        encoding, by_line = stream.encoding, stream.line_buffering
        self._ascii = codecs.lookup(encoding).name == "ascii"
        super().__init__(stream.detach(), encoding, errors="backslashreplace", line_buffering=by_line)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # click takes ASCII for a mistake, and writes UTF-8
        return "utf-8" if self._ascii else super().encoding

    def write(self, text: str) -> int:
        return super().write(text.translate(_STEERING))


def prepare_streams() -> None:
    """Make sure that everything can be printed, also where a stream was closed or has another encoding.

    The first three descriptors are occupied: a cache that got the number of stderr would hold what libraries print.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, PTH123 - as long as the process
            if stream.fileno() == number:
                os.set_inheritable(number, True)  # for workers
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # a wrapper that nobody holds closes what it wraps
        if isinstance(stream, io.TextIOWrapper) and mode == "w":
            setattr(sys, name, _Output(stream))


def listen() -> None:
    """Have a signal that ends the process end it as Ctrl-C does; one that is ignored, as under nohup, stays ignored."""
    for number in (getattr(signal, name) for name in _STOPPED_BY if hasattr(signal, name)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise Stopped(number)


def leave(code: int) -> NoReturn:
    """End, without a word about streams that nobody reads any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
