"""Values against declared types: what json reads, and what a program writes."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pytest

from mer_di.errors import InputError
from mer_di.fields import misfit, require_fields


class Row(TypedDict):
    name: str
    share: float | None


@dataclass
class Table:
    kind: Literal["a", "b"]
    rows: tuple[Row, ...] = ()
    size: int | None = None

    def __post_init__(self):
        require_fields(self)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, int),
        (1, float),
        (0.5, float),
        (None, int | None),
        (True, bool),
        ("a", Literal["a", "b"]),
        ([1, 2], list[int]),
        ({"a": [1]}, dict[str, list[int]]),
        ({"name": "x", "share": None}, Row),
        ({"kind": "a", "rows": (), "size": 1}, Table),
        ([{}], list[Any]),
    ],
)
def test_what_fits_is_not_mentioned(value, kind):
    assert misfit(value, kind, "it") is None


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (True, int, "it is True; expected int"),
        (1.0, int, "it is 1.0; expected int"),
        (float("nan"), float, "it is nan; expected a finite number"),
        (10**400, float, "expected a finite number"),
        ("1", int | None, "it is '1'; expected int or None"),
        (["a"], Literal["a", "b"], "it is ['a']; expected one of a, b"),
        ([1, "2"], list[int], "it[1] is '2'; expected int"),
        ([None], list[Row], "it[0] is None; expected Row"),
        ({"a": 1}, dict[str, str], "it['a'] is 1; expected str"),
        ({"name": "x"}, Row, "it and Row differ in share"),
        ({"name": "x", "share": "all"}, Row, "it.share is 'all'; expected a finite number or None"),
        ([], dict[str, Any], "it is []; expected dict"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(value, kind, said):
    assert said in misfit(value, kind, "it")


def test_a_dataclass_names_its_first_field_that_does_not_fit():
    Table("a", ({"name": "x", "share": 1},), 3)
    with pytest.raises(InputError, match="kind is 'c'; expected one of a, b"):
        Table("c", size="large")
    with pytest.raises(InputError, match=r"rows\[0\]\.name is 1; expected str"):
        Table("a", ({"name": 1, "share": None},))
