"""A page: one HTML file with everything in it, written from a template."""

import base64
import hashlib
import os
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError
from markupsafe import Markup

import mer_di
from mer_di.errors import InputError
from mer_di.files import destination, write_text

_SCRIPTS = ("tables", "gallery")


def require_place(out: str | os.PathLike[str], *inputs: str | os.PathLike[str]) -> None:
    """Make sure that a page can be written, before the work that fills it.

    Parameters
    ----------
    out : path-like
    inputs : path-like
        Caches, and folders of runs: in those, nothing is written but HTML files.

    Raises
    ------
    InputError
        See `mer_di.files.destination`.
    """
    place = destination(out, inputs)
    for folder in filter(os.path.isdir, inputs):
        if place.is_relative_to(os.path.realpath(folder)) and place.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"{out} lies in the run {folder}, where a page is named *.html; name another")


def write_page(out: str | os.PathLike[str], template: str, content: Mapping[str, Any]) -> None:
    """Fill a template and write the page aside, then rename it into place.

    Everything that is not markup made here is escaped. A content security policy in the page forbids every request,
    and every script but the page's own.

    Parameters
    ----------
    out : path-like
        The HTML file; see `mer_di.files.destination`.
    template : str
        Name without ending: ``cache``, ``run``, ``comparison`` or ``reproduction``.
    content : mapping
        The template's variables.

    Raises
    ------
    LookupError
        If the content lacks something that the template shows.
    OSError
        If the file cannot be written; a former file is untouched.
    """
    script = "\n".join(_source(f"{name}.js") for name in _SCRIPTS)
    around = {
        "style": Markup(_source("style.css")),
        "script": Markup(script),
        "script_digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "version": mer_di.__version__,
    }
    try:
        text = _environment().get_template(f"{template}.html").render(content, **around)
    except UndefinedError as error:
        raise LookupError(str(error)) from error
    write_text(out, text)


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("mer_di.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, rate=rate, p_value=p_value, signed=signed)
    environment.globals["zip"] = zip
    return environment


def percent(fraction: float | None, digits: int = 1) -> str:
    """Return a fraction in percent, or a dash where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.{digits}f} %"


def rate(fraction: float | None) -> str:
    """Return a fraction with three decimals, or a dash where there is none."""
    return "–" if fraction is None else f"{fraction:.3f}"


def p_value(p: float) -> str:
    """Return a p-value with its relation, and two digits that count."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def signed(points: float) -> str:
    """Return a difference with its sign and one decimal."""
    return f"{points:+.1f}".replace("-", "−")


def _source(name: str) -> str:
    return files("mer_di.report").joinpath("templates", name).read_text(encoding="utf-8")
