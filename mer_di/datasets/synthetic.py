"""A drawn micro-expression database, for whoever has no licence yet: laid out as MMEW, and read by its reader."""

from dataclasses import replace
from pathlib import Path

from mer_di.datasets import mmew
from mer_di.datasets.database import Database
from mer_di.datasets.locate import find_root
from mer_di.datasets.spec import Choice
from mer_di.synthetic import default_database

SPEC = replace(
    mmew.SPEC,
    name="synthetic",
    title="Synthetic micro-expressions",
    citation="",
    doi="",
    licence="Drawn by this program; nobody's face, free for any use.",
    request_url="",
    published=(),
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load a synthetic database; see `mer_di.datasets.load_dataset`. Without a root one is drawn, once."""
    place = default_database() if root is None else find_root(SPEC, root)
    return mmew.read_mmew(SPEC, place, choice)
