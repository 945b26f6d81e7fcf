"""From a table's frame numbers to positions in a video, which begin at 0."""

from dataclasses import replace

from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.sample import Sample


def counted_from_one(database: Database) -> Database:
    """Return a database of videos whose table calls the first frame 1, with positions, which begin at 0.

    Parameters
    ----------
    database : Database
        Its numbers are the table's; corrections are made.

    Returns
    -------
    Database
        With a finding of kind ``positions``.
    """
    text = "the table counts a video's frames from 1, and positions begin at 0: each number here is one less"
    samples = tuple(moved(sample, 1) for sample in database.samples)
    finding = Finding("positions", database.table.name, text)
    return replace(database, samples=samples, findings=(*database.findings, finding))


def moved(sample: Sample, first: int) -> Sample:
    """Return a sample with positions, where position 0 has a number."""
    onset, apex, offset = (
        None if number is None else number - first for number in (sample.onset, sample.apex, sample.offset)
    )
    return replace(sample, onset=onset, apex=apex, offset=offset)
