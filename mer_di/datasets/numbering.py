"""Whether a copy's frames are numbered as the table counts them: from 0, or from 1."""

from collections.abc import Iterator, Sequence

from mer_di.datasets.spec import Tree
from mer_di.errors import AnnotationError, SampleError
from mer_di.imaging.listing import list_frames
from mer_di.sample import Sample

_LOOKED_AT = 20  # folders: who renumbers one renumbers all


def require_numbering(tree: Tree, samples: Sequence[Sample]) -> None:
    """Make sure that the folders of whole clips do not begin one frame beside the number that the table begins with.

    Each image would be formed from frames beside those that were meant, and no frame would be missing but the last.

    Parameters
    ----------
    tree : Tree
    samples : sequence of Sample
        With their folders.

    Raises
    ------
    AnnotationError
        If all folders that were looked at begin with 0 where those of the database begin with 1, and no row has the
        onset 0; or with 1 where they begin with 0, and a row has it.
    """
    if tree.begins is None:
        return
    there = [sample for sample in samples if sample.path is not None]
    looked_at = dict(_first_numbers(there[:: max(1, len(there) // _LOOKED_AT)]))
    other, counts_from = 1 - tree.begins, 0 if any(sample.onset == 0 for sample in there) else 1
    if {*looked_at.values()} != {other} or counts_from == other:
        return
    if all(sample.onset == other for sample in looked_at):  # folders of onset..offset
        return
    raise AnnotationError(
        f"the frames in {there[0].path} and in the other folders begin with number {other}; in the released tree "
        f"{tree.name} they begin with {tree.begins}, and the table's numbers are meant so. Each clip would be read one "
        f"frame beside. Number the files from {tree.begins}; or, if the table was renumbered with them, describe the "
        "clips with --dataset manifest"
    )


def _first_numbers(samples: Sequence[Sample]) -> Iterator[tuple[Sample, int]]:
    for sample in samples:
        try:
            if sample.path is not None and (numbers := list_frames(sample.path)):
                yield sample, min(numbers)
        except SampleError:  # of this clip; it is raised again where frames are asked for, and drops the sample there
            continue
