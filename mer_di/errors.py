"""What can go wrong, as types. Every message says what was found, what was expected, where, and what to do."""


class MerDiError(Exception):
    """Root of every error that this library raises on purpose."""


class InputError(MerDiError, ValueError):
    """An argument that a function cannot work with: shape, dtype, range or an unknown name."""


class DatasetNotFoundError(MerDiError, FileNotFoundError):
    """A database, its table or one of its folders is not where it was looked for."""


class AnnotationError(MerDiError, ValueError):
    """An annotation table that cannot be read without guessing, or a correction that no longer fits it."""


class CacheError(MerDiError, ValueError):
    """A cache file that is foreign, damaged, newer than this library, or made by another recipe."""


class RunError(MerDiError, ValueError):
    """The folder of a run that is unfinished, damaged, or holds a run under another configuration."""


class MissingDependencyError(MerDiError, ImportError):
    """An optional package, or a model file that a package ships, is not installed."""


class BackendUnavailableError(MerDiError, RuntimeError):
    """A backend was asked for by name and cannot run here."""


class SampleError(MerDiError, ValueError):
    """One sample cannot be used; a build records the reason under ``/dropped`` and goes on.

    Parameters
    ----------
    kind : str
        Short stable name of the problem, by which drops are counted: ``apex-missing``, ``frame-gap``, ...
    detail : str
        What was found, what was expected and where.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail

    def __reduce__(self) -> tuple[type["SampleError"], tuple[str, str]]:
        return type(self), (self.kind, self.detail)
