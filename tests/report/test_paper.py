import pytest

from mer_di.report.paper import paper_number

DIANET = {"architecture": "dianet", "streams": ["onset", "offset"], "backbone": "efficientnetv2", "fusion": "cross"}


@pytest.mark.parametrize(
    ("change", "dataset", "expected"),
    [
        ({}, "mmew", (0.6424, 288, False)),
        ({"backbone": "resnet18"}, "casme2", (0.6167, 240, False)),
        ({"fusion": "simple"}, "samm", (0.6316, 135, False)),
        ({"streams": ["full", "full"]}, "mmew", (0.5104, 288, False)),
        ({"architecture": "learnet", "streams": ["onset"]}, "mmew", (0.5278, 288, False)),
        ({"architecture": "originet", "streams": ["full"]}, "casme2", (0.6209, 240, True)),
        ({"backbone": "tf_efficientnet_lite0"}, "mmew", None),
        ({}, "synthetic", None),
        ({"architecture": "originet", "streams": ["full"]}, "mmew", None),
    ],
)
def test_the_papers_number_belongs_to_network_and_database(change, dataset, expected):
    found = paper_number({**DIANET, **change}, dataset)
    assert (found and (pytest.approx(found.accuracy), found.n, found.copied)) == expected
