"""A part of a table, so that several builds, each with a writer of its own, make one cache."""

import re
from dataclasses import dataclass

from mer_di.errors import InputError


@dataclass(frozen=True, slots=True)
class Part:
    """Every N-th sample of a table, in the order of their ids.

    Subjects, whose clips are of different lengths, are spread evenly over the parts.

    Attributes
    ----------
    number : int
        1 to `of`.
    of : int
        How many parts there are.

    Raises
    ------
    InputError
        If there is no such part.

    Examples
    --------
    >>> [index for index in range(7) if Part(2, 3).holds(index)]
    [1, 4]
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"the part is {self}; expected K/N with K from 1 to N, such as 2/8")

    @classmethod
    def from_text(cls, text: str) -> "Part":
        """Read ``K/N``."""
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if not found:
            raise InputError(f"the part is {text!r}; expected K/N, such as 2/8")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, index: int) -> bool:
        """Whether the sample at a 0-based place in the table belongs to it."""
        return index % self.of == self.number - 1
