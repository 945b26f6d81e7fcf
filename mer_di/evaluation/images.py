"""The images of a corpus in memory, as a training sees them."""

from functools import lru_cache

import torch

from mer_di.evaluation.corpus import Corpus, Source, require_unchanged
from mer_di.learning.train_config import TrainConfig
from mer_di.streams import Normalization
from mer_di.torch_dataset import DynamicImageDataset, LabelledImages


def labelled_images(corpus: Corpus, config: TrainConfig) -> LabelledImages:
    """Return every image of a corpus as a training sees it, with the corpus' labels.

    Parameters
    ----------
    corpus : Corpus
    config : TrainConfig
        Its streams, size and normalization decide.

    Returns
    -------
    LabelledImages
        In the corpus' order. The images of the last corpus are kept in memory, so that a worker reads them once.

    Raises
    ------
    CacheError
        If a cache is no longer the file that the corpus was read from.
    """
    stamps = tuple(source.path.stat().st_mtime_ns if source.path.exists() else 0 for source in corpus.sources)
    size, streams = config.model.input_size, config.model.streams
    rows = tuple(tuple(corpus.rows[corpus.datasets == source.dataset].tolist()) for source in corpus.sources)
    images = _images(corpus.sources, corpus.digests, stamps, rows, streams, config.normalization, size)
    return LabelledImages(images, torch.from_numpy(corpus.labels))


@lru_cache(maxsize=1)
def _images(
    sources: tuple[Source, ...],
    digests: tuple[str, ...],
    _stamps: tuple[int, ...],
    rows: tuple[tuple[int, ...], ...],
    streams: tuple[str, ...],
    normalization: Normalization,
    size: int,
) -> torch.Tensor:
    try:
        parts = [
            DynamicImageDataset(source.path, streams, normalization=normalization, size=size).load(kept).images
            for source, kept in zip(sources, rows, strict=True)
        ]
    finally:
        require_unchanged(sources, digests)  # after reading: what was read, or could not be, is what was meant
    return parts[0] if len(parts) == 1 else torch.cat(parts)
