"""Something about a database that is worth telling and changes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation made while a database was loaded.

    Attributes
    ----------
    kind : str
        Short stable name, by which findings are counted: ``folder-without-row``.
    where : str
        The sample id, folder, cell or file it is about.
    message : str
        What was found, and what was made of it.
    """

    kind: str
    where: str
    message: str
