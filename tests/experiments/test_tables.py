"""The paper's tables as data, and the paper's own arithmetic."""

import pytest

from mer_di.cli.reproduce import TABLES as CLI_TABLES
from mer_di.errors import InputError
from mer_di.experiments import TABLES, load_table
from mer_di.experiments.reproduction import Overrides
from mer_di.experiments.tables import PAPER_TABLES, load_runs
from mer_di.learning.models import BACKBONES
from mer_di.rank_pooling import SCHEMES
from mer_di.recipe import Recipe

NOT_A_FRACTION = {  # of N, as facts: the paper's own inconsistencies
    ("table2", "ConvNeXt", "mmew"),
    ("table2", "MobileViT", "mmew"),
    *(("table3", "simple attention", name) for name in ("casme2", "samm", "mmew")),
}


def test_the_tables_are_those_of_the_paper():
    assert TABLES == CLI_TABLES
    assert [len(load_table(name).rows) for name in PAPER_TABLES] == [6, 4, 2, 5]
    best = {"casme2": 70.00, "samm": 68.89, "mmew": 64.24}
    for name in PAPER_TABLES:
        (row,) = [row for row in load_table(name).rows if row.run and row.run.name == "dianet"]
        assert row.paper == best
    assert load_table("table1").samples == {"casme2": 240, "samm": 135, "mmew": 288}
    assert load_table("table1").min_class_size == 10
    with pytest.raises(InputError, match="table4"):
        load_table("table5")


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_the_papers_own_percentages_are_fractions_of_the_implied_counts(name):
    table = load_table(name)
    for row in table.rows:
        for dataset, percent in row.paper.items():
            n = table.samples[dataset]
            nearest = 100 * round(percent * n / 100) / n
            is_fraction = abs(percent - nearest) < 0.0101  # rounded or cut, to two digits
            if not row.copied:
                assert is_fraction != ((name, row.method, dataset) in NOT_A_FRACTION), (row.method, dataset)


@pytest.mark.parametrize("name", TABLES)
def test_every_row_runs_or_says_why_not(name):
    for row in load_table(name).rows:
        assert (row.run is None) == bool(row.missing)
        if row.run:
            config = Overrides().config(row.run)
            assert row.run.recipe.get("scheme", "arp") in SCHEMES
            assert (config.epochs, config.batch_size, config.learning_rate) == (50, 32, 1e-4)


@pytest.mark.parametrize("name", TABLES)
def test_a_number_says_how_it_was_got(name):
    for row in load_table(name).rows:
        rebuilt = row.run and "reconstruction" in row.run.model.get("architecture", "")
        assert (row.layers == "reconstruction") == bool(rebuilt or row.method == "FMANet")
        if row.copied:
            assert row.source
            for dataset, n in row.implied.items():
                assert abs(row.paper[dataset] - 100 * round(row.paper[dataset] * n / 100) / n) < 0.0101
        else:
            assert (row.protocol, row.selection) == ("LOSO", "validation loss")


def test_rows_differ_in_what_their_table_is_about():
    def configs(name):
        return {row.method: Overrides().config(row.run) for row in load_table(name).rows if row.run}

    assert [c.model.backbone for c in configs("table2").values()] == [
        name for name in ("resnet18", "efficientnetv2", "convnext", "mobilevit") if name in BACKBONES
    ]
    assert {name: c.model.fusion for name, c in configs("table3").items()} == {
        "simple attention": "simple",
        "cross-attention": "cross",
    }
    assert configs("table1")["OrigiNet"].model.architecture == "originet"
    assert load_table("table1").rows[1].run.recipe == {"scheme": "active_image"}
    inputs = [Overrides().config(row.run).model for row in load_table("table4").rows]
    assert [(m.architecture, m.streams) for m in inputs] == [
        ("learnet", ("full",)),
        ("learnet", ("onset",)),
        ("learnet", ("offset",)),
        ("dianet", ("full", "full")),
        ("dianet", ("onset", "offset")),
    ]


def test_every_run_is_a_configuration_and_a_recipe_and_a_row_has_it():
    runs = load_runs()
    for run in runs.values():
        assert Overrides().config(run).model.input_size > 0
        assert Recipe(align="none", aspect="stretch", **run.recipe).size > 0
    assert {*runs} == {row.run.name for name in TABLES for row in load_table(name).rows if row.run}
