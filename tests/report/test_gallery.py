import json

import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.rank_pooling import phase_weights
from mer_di.report.gallery import ROOM, make_cards


def test_energy_is_in_grey_levels_whatever_the_length(cache):
    with open_cache(cache) as opened:
        (card,) = make_cards(opened, [0], 10**6)
        images = [
            opened.images(name)[0] / np.abs(phase_weights(9, range(5), range(4, 9))[0]).sum() * 2
            for name in ("onset", "offset")
        ]
    assert card.energy == pytest.approx(np.sqrt(np.mean(np.square(images))), rel=1e-5)


def test_flow_has_pictures_where_there_is_flow(cache, tmp_path):
    with open_cache(write_tiny_cache(tmp_path / "flow.h5", subjects=1, clips=1, flow="ilk")) as opened:
        (card,) = make_cards(opened, [0], 10**6)
    assert list(card.flows) == ["flow_onset", "flow_offset"]
    assert all(uri.startswith("data:image/webp") for uri in card.flows.values())
    with open_cache(cache) as opened:
        assert make_cards(opened, [0], 10**6)[0].flows == {}


def test_300_samples_of_224_pixels_stay_below_60_megabytes(tmp_path):
    path = write_tiny_cache(
        tmp_path / "noisy.h5", subjects=2, clips=3, size=224
    )  # noise of 10 raw units on a change of 120
    with open_cache(path) as opened:
        cards = make_cards(opened, range(6), ROOM / 300)
    for card in cards:
        pictures = [*card.frames.values(), *card.images.values(), json.dumps(card.full)]
        markup = 8000  # the rest of a card and its row in the table
        assert 300 * (sum(map(len, pictures)) + markup) < 59e6
