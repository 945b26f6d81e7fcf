"""From a table's frame numbers to positions in a video, which begin at 0."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.errors import AnnotationError, SampleError
from mer_di.imaging.video import count_frames
from mer_di.sample import Sample

_FROM_ONE = "the table counts a video's frames from 1, and positions begin at 0: each number here is one less"
_FROM_ONSET = "the videos hold onset..offset only: each number here counts from the onset, which is 0"


@dataclass(frozen=True, slots=True)
class _Video:
    """A clip on disk: the table's row, and the number of frames."""

    sample: Sample
    onset: int
    offset: int
    length: int

    @property
    def whole(self) -> bool:
        """Whether it can be the recording, from frame 1 to the offset or further."""
        return self.length >= self.offset

    @property
    def cut(self) -> bool:
        """Whether it can be onset..offset."""
        return self.length == self.offset - self.onset + 1

    def __str__(self) -> str:
        return f"{self.sample.path} ({self.length} frames, {self.onset}..{self.offset} in the table)"


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
    samples = tuple(_moved(sample, 1) for sample in database.samples)
    finding = Finding("positions", database.table.name, _FROM_ONE)
    return replace(database, samples=samples, findings=(*database.findings, finding))


def by_length(database: Database) -> Database:
    """Return a database of videos with positions; from their lengths is seen which frame is the first.

    A video of the whole recording begins with frame 1 and reaches the offset. One that was cut out has as many frames
    as onset..offset. All videos have to tell the same.

    Parameters
    ----------
    database : Database
        Its numbers are those of the whole recording, from 1; corrections are made.

    Returns
    -------
    Database
        With a finding of kind ``positions``, and one of kind ``video-length`` for each video that is neither; such a
        sample keeps numbers past the video's end, and is dropped as ``frames-missing``.

    Raises
    ------
    AnnotationError
        If some videos can only be whole and some only cut, or none can be either.
    """
    videos = list(_videos(database))
    whole = [video for video in videos if video.whole and not video.cut]
    cut = [video for video in videos if video.cut and not video.whole]
    neither = [video for video in videos if not video.cut and not video.whole]
    if (whole and cut) or (neither and not whole and not cut):
        raise AnnotationError(_contradiction(whole, cut, neither))
    begins = {video.sample.sample_id: video.onset if cut and video.cut else 1 for video in videos}
    samples = tuple(_moved(sample, begins.get(sample.sample_id, 1)) for sample in database.samples)
    findings = [Finding("positions", database.table.name, _FROM_ONSET if cut else _FROM_ONE)]
    text = "{}: neither the recording up to the offset nor onset..offset; it is dropped"
    findings += [Finding("video-length", video.sample.sample_id, text.format(video)) for video in neither]
    return replace(database, samples=samples, findings=(*database.findings, *findings))


def _videos(database: Database) -> Iterator[_Video]:
    for sample in database.samples:
        if sample.path is None or sample.onset is None or sample.offset is None:
            continue
        try:
            yield _Video(sample, sample.onset, sample.offset, count_frames(sample.path))
        except SampleError:  # of this clip; it is raised again where frames are asked for, and drops the sample there
            continue


def _contradiction(whole: list[_Video], cut: list[_Video], neither: list[_Video]) -> str:
    groups = {"holds the recording up to the offset": whole, "onset..offset only": cut, "neither": neither}
    told = "; ".join(f"{what}: {videos[0]}, {len(videos)} in all" for what, videos in groups.items() if videos)
    return (
        f"which frame of a video is its first cannot be known from the number of frames. Of the videos, {told}. Name "
        "another frame tree with --tree, or the clips in a table of your own with --dataset manifest, whose onset, "
        "apex and offset are positions in the video, from 0"
    )


def _moved(sample: Sample, first: int) -> Sample:
    """Return a sample with positions, where position 0 has a number."""
    onset, apex, offset = (
        None if number is None else number - first for number in (sample.onset, sample.apex, sample.offset)
    )
    return replace(sample, onset=onset, apex=apex, offset=offset)
