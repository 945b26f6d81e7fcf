"""The command line: each command parses, makes one library call and prints."""

import codecs
import contextlib
import importlib
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

import mer_di
from mer_di.errors import MerDiError

COMMANDS = (
    "datasets",
    "synth",
    "check",
    "build",
    "info",
    "show",
    "export",
    "verify",
    "diff",
    "train",
    "compare",
    "report",
    "reproduce",
    "predict",
    "doctor",
)

_RESUMES = "what is finished of a build or a run is kept: it resumes when the same command is run again"
_STOPPED_BY = ("SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK")  # those that there are
_CONTROLS = (*range(32), *range(127, 160))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_STEERING = {code: ascii(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS) if chr(code) not in "\t\n\r"}


class _Stopped(KeyboardInterrupt):
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


class _LazyGroup(click.Group):
    """A group whose commands are modules, imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"mer_di.cli.{cmd_name}").command
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(mer_di.__version__, prog_name="mer-di")
def root() -> None:
    """Phase-aware dynamic images for micro-expression recognition.

    \b
    Without a licence:   mer-di build --out demo.h5
    With a database:     mer-di build --dataset mmew --root MMEW_Final --out mmew.h5
    """  # noqa: D301 - \b is click's sign for lines that it must not wrap


def main() -> NoReturn:
    """Run the command line; every failure is one message on stderr and an exit code.

    1 fell short, 2 usage, 128 + the number of a signal: 130 after Ctrl-C, 143 after SIGTERM.
    """
    _prepare_streams()
    _listen()
    try:
        code = root(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        _leave(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        signalled = error.__cause__ if isinstance(error, click.Abort) else error  # click wraps what was raised
        number = signalled.number if isinstance(signalled, _Stopped) else signal.SIGINT
        _fail(f"interrupted by {signal.Signals(number).name}; {_RESUMES}", 128 + number)
    except BrokenPipeError:
        _leave(1)  # the reader has left; nothing more can be said
    except MerDiError as error:
        _fail(str(error), 1)
    except MemoryError:
        _fail("there is not enough memory; ask for smaller or fewer images, or fewer --jobs", 1)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except Exception as error:
        if os.environ.get("MER_DI_TRACEBACK"):
            raise
        _fail(_missing_package(error) or _internal(error), 1)


def _prepare_streams() -> None:
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


def _listen() -> None:
    """Have a signal that ends the process end it as Ctrl-C does; one that is ignored, as under nohup, stays ignored."""
    for number in (getattr(signal, name) for name in _STOPPED_BY if hasattr(signal, name)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise _Stopped(number)


def _internal(error: Exception) -> str:
    return f"internal error, {type(error).__name__}: {error}. Set MER_DI_TRACEBACK=1 to see where, and report it"


def _missing_package(error: Exception) -> str | None:
    from mer_di.inspection.environment import extra_of

    module = error.name if isinstance(error, ModuleNotFoundError) else None
    extra = extra_of(module) if module else None
    if extra is None:
        return None
    package = f"mer_di[{extra}]" if extra else "mer_di"
    return f"this needs the package {module}, which is not installed: pip install '{package}'. See: mer-di doctor"


def _fail(message: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # a terminal that is gone
        click.echo(f"mer-di: {message}", err=True)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End, without a word about streams that nobody reads any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
