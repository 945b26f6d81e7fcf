import json

import pytest
from click.testing import CliRunner

import mer_di
from mer_di.cli.reproduce import TABLES as CLI_TABLES
from mer_di.cli.reproduce import command
from mer_di.errors import InputError, MissingDependencyError
from mer_di.experiments import TABLES, load_table
from mer_di.experiments.reproduction import Overrides, reproduce
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import BACKBONES
from mer_di.learning.train_config import TrainConfig
from mer_di.rank_pooling import SCHEMES

SMALL = Overrides({"backbone": "test_resnet", "weights": "random", "size": 48}, {"epochs": 1})
OPTIONS = {"overrides": SMALL, "validation": "none", "min_class_size": 1, "align": "none", "device": "cpu"}
NOT_A_FRACTION = {  # of N, as facts: the paper's own inconsistencies
    ("table2", "ConvNeXt", "mmew"),
    ("table2", "MobileViT", "mmew"),
    *(("table3", "simple attention", name) for name in ("casme2", "samm", "mmew")),
}


@pytest.fixture
def database(tiny):
    return mer_di.load_dataset("manifest", tiny.table)


@pytest.fixture
def trainings(monkeypatch):
    """Count trainings."""
    import mer_di.evaluation.fold

    train = mer_di.evaluation.fold.train_model
    seen = []

    def spy(*arguments, **options):
        seen.append(arguments[3])
        return train(*arguments, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", spy)
    return seen


def test_the_tables_are_those_of_the_paper():
    assert TABLES == CLI_TABLES
    assert [len(load_table(name).rows) for name in TABLES] == [6, 4, 2, 5]
    best = {"casme2": 70.00, "samm": 68.89, "mmew": 64.24}
    for name in TABLES:
        (row,) = [row for row in load_table(name).rows if row.run and row.run.name == "dianet"]
        assert row.paper == best
    assert load_table("table1").samples == {"casme2": 240, "samm": 135, "mmew": 288}
    assert load_table("table1").min_class_size == 10
    with pytest.raises(InputError, match="table4"):
        load_table("table5")


@pytest.mark.parametrize("name", TABLES)
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


def test_overrides_leave_to_a_row_what_it_is_about():
    overrides = Overrides({"backbone": "resnet18", "size": 64}, {"epochs": 3})
    rows = {row.method: row.run for name in TABLES for row in load_table(name).rows if row.run}
    assert overrides.config(rows["ConvNeXt"]).model == ModelConfig(backbone="convnext", size=64)
    assert overrides.config(rows["simple attention"]).model.backbone == "resnet18"
    learnet = overrides.config(rows["LEARNet"])
    assert (learnet.epochs, learnet.model.input_size) == (3, 112)
    assert overrides.departures() == [
        "backbone resnet18 instead of efficientnetv2",
        "size 64 instead of 224",
        "epochs 3 instead of 50",
    ]
    assert Overrides({"size": 224}, {"epochs": TrainConfig().epochs}).departures() == []


def test_a_table_builds_runs_and_is_not_run_twice(database, tmp_path, trainings):
    found = reproduce(load_table("table1"), database, tmp_path / "out", **OPTIONS)
    caches = sorted(path.name for path in (tmp_path / "out").glob("*.h5"))
    assert caches == ["manifest-active_image.h5", "manifest-arp.h5"]
    ran = [row.row.method for row in found.rows if row.results]
    assert ran == ["LEARNet", "OrigiNet", "DIANet"]
    assert all(row.results.n == 6 for row in found.rows if row.results)
    assert [row.problem.split(":")[0] for row in found.rows if row.problem] == ["not implemented"] * 3
    assert "min_class_size 1 instead of 10" in found.departures
    trained = len(trainings)
    again = reproduce(load_table("table1"), database, tmp_path / "out", **OPTIONS)
    assert again == found
    shared = reproduce(load_table("table3"), database, tmp_path / "out", **OPTIONS)
    assert len(trainings) == trained + 3  # of Table 3 the simple attention alone is new: three folds
    assert shared.rows[1].results == found.rows[-1].results


def test_a_row_that_cannot_run_does_not_stop_the_others(database, tmp_path, monkeypatch):
    import mer_di.evaluation.fold

    train = mer_di.evaluation.fold.train_model

    def without_weights(*arguments, **options):
        if arguments[3].model.fusion == "simple":
            raise MissingDependencyError("no weights here")
        return train(*arguments, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", without_weights)
    found = reproduce(load_table("table3"), database, tmp_path, **OPTIONS)
    assert [row.problem for row in found.rows] == ["could not run: no weights here", None]
    assert found.rows[1].results


def test_the_command_prints_the_paper_beside_ours(tiny, tmp_path):
    arguments = ["table4", "--dataset", "manifest", "--root", str(tiny.table), "--out", str(tmp_path / "out")]
    arguments += ["--epochs", "1", "--size", "48", "--backbone", "test_resnet", "--no-pretrained", "--jobs", "1"]
    arguments += ["--validation", "none", "--min-class-size", "1", "--device", "cpu", "--align", "none"]
    shown = CliRunner().invoke(command, [*arguments, "--audit-leakage"], catch_exceptions=False)
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "Table 4: inputs, manifest"
    rows = [line for line in lines if line.startswith(("DI ", "DI-", "DI,"))]
    assert len(rows) == 5
    assert all(" 6 " in row and "*" in row and "best epoch on test: " in row for row in rows)
    assert "NOT the paper's setting: size 48 instead of 224; backbone test_resnet" in shown.stdout
    assert "The paper has no numbers for manifest." in shown.stdout
    as_json = CliRunner().invoke(command, [*arguments, "--audit-leakage", "--json"], catch_exceptions=False)
    found = json.loads(as_json.stdout)
    assert [row["row"]["method"] for row in found["rows"]] == ["LEARNet", "LEARNet", "LEARNet", "DIANet", "DIANet"]


def test_a_papers_database_shows_number_beside_number_and_n_beside_n():
    from mer_di.cli.reproduce import _page
    from mer_di.experiments.reproduction import ReproducedRow, Reproduction

    table = load_table("table1")
    rows = tuple(
        ReproducedRow(row, problem="not implemented: x" if row.missing else "could not run: y") for row in table.rows
    )
    page = _page(Reproduction(table, "samm", rows, []))
    (ours,) = [line for line in page.splitlines() if line.startswith("DI-Onset")]
    assert ours.split()[3:7] == ["DIANet", "68.89", "-", "135"]
    (copied,) = [line for line in page.splitlines() if "GEME" in line]
    assert "55.88" in copied
    assert "135" not in copied
    assert "copied; not implemented: x" in copied
    assert "The paper prints no N; its percentages imply 135." in page
    assert "DIANet: could not run: y" in page
