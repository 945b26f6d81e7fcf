"""The images of a corpus in memory, as a training sees them."""

from collections.abc import Sequence
from functools import lru_cache

import torch

from mer_di.errors import InputError
from mer_di.evaluation.corpus import Corpus, Source, require_unchanged
from mer_di.learning.train_config import TrainConfig
from mer_di.streams import Normalization
from mer_di.torch_dataset import DynamicImageDataset, LabelledImages


def labelled_images(corpus: Corpus, config: TrainConfig, *, neighbours: bool = False) -> LabelledImages:
    """Return every image of a corpus as a training sees it, with the corpus' labels.

    Parameters
    ----------
    corpus : Corpus
    config : TrainConfig
        Its streams, size and normalization decide, and whether it trains at neighbouring apexes.
    neighbours : bool
        Read those at neighbouring apexes in any case.

    Returns
    -------
    LabelledImages
        In the corpus' order, with the images that training and testing need. Those of the last corpus are kept in
        memory, so that a worker reads them once.

    Raises
    ------
    CacheError
        If a cache is no longer the file that the corpus was read from.
    InputError
        If images at neighbouring apexes are wanted and not there, or no stream is a phase.
    """
    stamps = tuple(source.path.stat().st_mtime_ns if source.path.exists() else 0 for source in corpus.sources)
    size, streams = config.model.input_size, config.model.images_read
    rows = tuple(tuple(corpus.rows[corpus.datasets == source.dataset].tolist()) for source in corpus.sources)
    wanted = neighbours or config.apex_jitter
    if wanted:
        require_neighbours(corpus.sources)
    numbers = config.model.flow_combination
    images, beside = _images(
        corpus.sources, corpus.digests, stamps, rows, streams, config.normalization, size, numbers, wanted
    )
    return LabelledImages(images, torch.from_numpy(corpus.labels), neighbours=beside)


def require_neighbours(sources: Sequence[Source]) -> None:
    """Make sure that caches hold the images at neighbouring apexes, and each as many of them.

    Raises
    ------
    InputError
        Naming how many each of them holds.
    """
    counts = {str(source.path): source.recipe.apex_jitter for source in sources}
    if len({*counts.values()}) > 1 or 0 in counts.values():
        listed = ", ".join(f"{path} {count}" for path, count in counts.items())
        raise InputError(
            f"neighbouring apexes that the caches hold of each sample: {listed}; expected some, and as many in each. "
            "Build with the same --apex-jitter K"
        )


@lru_cache(maxsize=1)
def _images(
    sources: tuple[Source, ...],
    digests: tuple[str, ...],
    _stamps: tuple[int, ...],
    rows: tuple[tuple[int, ...], ...],
    streams: tuple[str, ...],
    normalization: Normalization,
    size: int,
    flow_combination: tuple[float, ...],
    neighbours: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    try:
        parts = [
            DynamicImageDataset(
                source.path, streams, normalization=normalization, size=size, flow_combination=flow_combination
            ).load(kept, neighbours=neighbours)
            for source, kept in zip(sources, rows, strict=True)
        ]
    finally:
        require_unchanged(sources, digests)  # after reading: what was read, or could not be, is what was meant
    if len(parts) == 1:
        return parts[0].images, parts[0].neighbours
    beside = [part.neighbours for part in parts if part.neighbours is not None]
    return torch.cat([part.images for part in parts]), torch.cat(beside) if beside else None
