from dataclasses import fields

import pytest

from mer_di.learning.architectures import ARCHITECTURES
from mer_di.learning.model_config import ModelConfig


@pytest.mark.parametrize(
    ("name", "streams", "fit"),
    [
        ("dianet", ("flow_onset", "full"), True),
        ("dianet", ("full",), True),
        ("dianet", ("onset", "offset", "full"), False),
        ("learnet", ("flow_offset",), True),
        ("learnet", ("onset", "offset"), False),
        ("fdcn-reconstruction", ("onset", "flow_offset"), True),
        ("fdcn-reconstruction", ("flow_onset", "full"), False),
        ("fdcn-reconstruction", ("full",), False),
    ],
)
def test_a_network_takes_so_many_images_of_such_kinds(name, streams, fit):
    assert ARCHITECTURES[name].takes(streams) is fit


def test_what_an_architecture_has_of_its_own_is_a_field_of_the_configuration():
    names = {field.name for field in fields(ModelConfig)}
    assert all(names >= {*row.parameters} for row in ARCHITECTURES.values())
    assert [name for name, row in ARCHITECTURES.items() if row.parameters] == ["dianet"]
    assert [name for name, row in ARCHITECTURES.items() if row.learns_gender] == ["geme-reconstruction"]
