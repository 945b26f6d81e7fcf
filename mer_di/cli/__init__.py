"""The command line: each command parses, makes one library call and prints."""

import contextlib
import importlib
import os
import signal
import sys
from typing import NoReturn

import click

import mer_di
from mer_di.cli.process import Stopped, leave, listen, prepare_streams
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
    "merge",
    "diff",
    "train",
    "compare",
    "report",
    "reproduce",
    "predict",
    "labels",
    "doctor",
)

_RESUMES = "what is finished of a build or a run is kept: it resumes when the same command is run again"


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
    prepare_streams()
    listen()
    try:
        code = root(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        leave(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        signalled = error.__cause__ if isinstance(error, click.Abort) else error  # click wraps what was raised
        number = signalled.number if isinstance(signalled, Stopped) else signal.SIGINT
        _fail(f"interrupted by {signal.Signals(number).name}; {_RESUMES}", 128 + number)
    except BrokenPipeError:
        leave(1)  # the reader has left; nothing more can be said
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
    leave(code)
