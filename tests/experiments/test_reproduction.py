from dataclasses import replace

import pytest
from tiny_run import counted

import mer_di
import mer_di.evaluation.fold
from mer_di.errors import CacheError, InputError, MissingDependencyError
from mer_di.experiments import TABLES, load_table
from mer_di.experiments.reproduction import Overrides, reproduce
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig

SMALL = Overrides({"backbone": "test_resnet", "weights": "random", "size": 48}, {"epochs": 1})
OPTIONS = {"overrides": SMALL, "validation": "none", "min_class_size": 1, "align": "none", "device": "cpu"}


@pytest.fixture
def database(tiny):
    return mer_di.load_dataset("manifest", tiny.table)


@pytest.fixture
def trainings(monkeypatch):
    return counted(monkeypatch)


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
    assert Overrides({}, {"precision": "bfloat16"}).departures() == ["precision bfloat16 instead of float32"]
    assert Overrides({"size": 224}, {"epochs": TrainConfig().epochs}).departures() == []


def test_a_table_builds_runs_and_is_not_run_twice(database, tmp_path, trainings):
    found = reproduce(load_table("table1"), database, tmp_path / "out", **OPTIONS)
    caches = sorted(path.name for path in (tmp_path / "out").glob("*.h5"))
    assert caches == [f"manifest-{name}.h5" for name in ("active_image", "arp-ilk", "arp")]
    assert [row.row.method for row in found.rows if row.problem] == ["AffectiveNet"]
    assert "no frame rates" in found.rows[2].problem
    assert all(row.results.n == 6 for row in found.rows if row.results)
    geme = next(row for row in found.rows if row.row.method == "GEME")
    assert geme.departures == ["without gender, of which no table was given"]
    assert "min_class_size 1 instead of 10" in found.departures
    trained = len(trainings)
    again = reproduce(load_table("table1"), database, tmp_path / "out", **OPTIONS)
    assert again == found
    shared = reproduce(load_table("table3"), database, tmp_path / "out", **OPTIONS)
    assert len(trainings) == trained + 3  # of Table 3 the simple attention alone is new: three folds
    assert shared.rows[1].results == found.rows[-1].results


def test_genders_and_a_control_with_shuffled_labels(database, tmp_path):
    table = load_table("table1")
    rows = tuple(row for row in table.rows if row.method in ("LEARNet", "GEME"))
    people = sorted({sample.subject for sample in database.samples})
    genders = {name: "fm"[number % 2] for number, name in enumerate(people)}
    found = reproduce(replace(table, rows=rows), database, tmp_path, genders=genders, control=True, **OPTIONS)
    told = "without gender, as all training subjects have one, in 1 of 3 folds"
    assert [row.departures for row in found.rows] == [[], [told]]
    assert [row.results.validation["labels"] for row in found.rows] == ["annotated"] * 2
    assert [row.control.validation["labels"] for row in found.rows] == ["shuffled"] * 2
    assert all(row.control.n == row.results.n for row in found.rows)


def test_genders_that_do_not_fit_are_refused_before_a_row_runs(database, tmp_path, trainings):
    people = sorted({sample.subject for sample in database.samples})
    genders = {name: "fm"[number % 2] for number, name in enumerate(people)}
    without_one = {name: gender for name, gender in genders.items() if name != people[0]}
    for table, given, reason in (
        ("table1", without_one, f"lacks '{people[0]}'"),
        ("table1", genders | {"somebody": "f"}, "names 'somebody', of whom no sample is left"),
        ("table2", genders, "no row of table2 learns them: leave --subjects out"),
    ):
        with pytest.raises(InputError, match=reason):
            reproduce(load_table(table), database, tmp_path, genders=given, **OPTIONS)
    assert trainings == []


def test_genders_of_subjects_whose_emotions_are_too_rare_are_of_no_use_and_no_error(database, tmp_path):
    table = load_table("table1")
    rows = tuple(row for row in table.rows if row.method == "GEME")
    rare = replace(database.samples[0], subject="s9", clip="rare", emotion="contempt")
    larger = replace(database, samples=(*database.samples, rare))
    genders = {name: "fm"[n % 2] for n, name in enumerate(sorted({sample.subject for sample in larger.samples}))}
    options = OPTIONS | {"min_class_size": 2}
    found = reproduce(replace(table, rows=rows), larger, tmp_path, genders=genders, **options)
    assert [row.results.n for row in found.rows] == [len(database.samples)]
    again = reproduce(replace(table, rows=rows), larger, tmp_path, **options)  # without: another run, not a refusal
    assert again.rows[0].departures == ["without gender, of which no table was given"]


def test_a_row_that_cannot_run_does_not_stop_the_others(database, tmp_path, monkeypatch):
    train = mer_di.evaluation.fold.train_model

    def without_weights(*arguments, **options):
        if arguments[3].model.fusion == "simple":
            raise MissingDependencyError("no weights here")
        return train(*arguments, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", without_weights)
    found = reproduce(load_table("table3"), database, tmp_path, **OPTIONS)
    assert [row.problem for row in found.rows] == ["could not run: no weights here", None]
    assert found.rows[1].results


def test_rows_of_one_cache_are_of_one_file(database, tmp_path, monkeypatch):
    train, cache = mer_di.evaluation.fold.train_model, tmp_path / "manifest-arp.h5"

    def rebuilt(*given, **options):
        cache.write_bytes(cache.read_bytes() + b" ")
        return train(*given, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", rebuilt)
    with pytest.raises(CacheError, match=r"manifest-arp\.h5 has changed since it was read"):
        reproduce(load_table("table3"), database, tmp_path, **OPTIONS)


def test_options_that_mean_nothing_are_refused_before_a_cache_is_built(database, tmp_path):
    with pytest.raises(InputError, match="size is 0"):
        reproduce(load_table("table3"), database, tmp_path, **OPTIONS | {"overrides": Overrides({"size": 0})})
    assert not list(tmp_path.glob("*.h5"))
