"""The columns that readers of annotation tables ask for, by what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a reader asks for.

    Attributes
    ----------
    name : str
        Its name in `mer_di.datasets.table.Row.cells`.
    headers : tuple of str
        Header texts that mean it, the documented one first; compared by letters and digits only, case-blind.
    required : bool
        Whether a table without it is refused.
    """

    name: str
    headers: tuple[str, ...]
    required: bool = True


COLUMNS = (
    Column("subject", ("Subject",)),
    Column("clip", ("Filename", "Clip")),
    Column("onset", ("OnsetFrame", "Onset", "OnsetF")),
    Column("apex", ("ApexFrame", "Apex", "ApexF"), required=False),
    Column("offset", ("OffsetFrame", "Offset", "OffsetF")),
    Column("emotion", ("Estimated Emotion", "Emotion")),
    Column("action_units", ("Action Units", "AU", "AUs"), required=False),
    Column("objective_class", ("Objective Classes", "Objective Class"), required=False),
)
"""What most owners call them."""
