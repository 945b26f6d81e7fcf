"""The parts of `benchmarks/stress.py`: each yields trials, one after another."""

from collections.abc import Generator
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """One attempt to break something.

    Attributes
    ----------
    fault : str
        What was done.
    problem : str
        What went wrong; empty if nothing did.
    """

    fault: str
    problem: str = ""


Trials = Generator[Trial, None, None]  # closed before their end, they clear up
