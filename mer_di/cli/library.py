"""What the library decides of an option: the names that it takes, and what holds when it is not given.

The library is asked when a command runs, completes or explains itself, and not before: ``mer-di --help`` imports every
command. What is asked for is written ``module:attribute``.
"""

from collections.abc import Sequence
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any, get_args, get_type_hints

import click


def _ask(of: str) -> Any:  # noqa: ANN401 - whatever lives under that name
    module, attribute = of.split(":")
    return getattr(import_module(module), attribute)


class LibraryChoice(click.Choice[str]):
    """One of the names of a tuple, a mapping or a literal type; with ``field``, of that field's type in a dataclass."""

    def __init__(self, of: str, field: str | None = None) -> None:
        self.of, self.field, self.case_sensitive = of, field, True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # click sets it once and for all
        """The names, in the library's order."""
        found = _ask(self.of)
        names = get_type_hints(found)[self.field] if self.field else found
        return get_args(names) or tuple(names)


class LibraryOption(click.Option):
    """An option with the library's default: a value, or of a dataclass what the field of the option's name has.

    Without a type of its own it takes the names of that field's literal type. Several values are joined by commas;
    none are no default.
    """

    def __init__(self, declarations: Sequence[str], *, of: str, **attributes: Any) -> None:  # noqa: ANN401 - click's
        self.of = of
        super().__init__(declarations, show_default=True, **attributes)
        if "type" not in attributes and not self.is_flag:
            self.type = LibraryChoice(of, self.name)

    @property
    def default(self) -> Any:  # noqa: ANN401 - of the field's type
        """What holds when the option is not given."""
        found = _ask(self.of)
        value = found.__dataclass_fields__[self.name].default if is_dataclass(found) else found
        return ",".join(value) or None if isinstance(value, tuple) else value

    @default.setter
    def default(self, _nothing: object) -> None:
        """Do without what click would keep."""
