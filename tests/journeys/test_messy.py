"""The whole way, on purpose badly: every planted quirk has to come out of the build under its own name."""

import csv

import pytest

import mer_di
from mer_di.building.build import build_cache
from mer_di.cache import open_cache
from mer_di.inspection.doctor import examine
from mer_di.inspection.verification import departures
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database

READ_AS_MEANT = {"label-spelling", "folder-alias", "doubled-folder", "renamed-folder", "clip-name-shared", "litter"}
TOLD = {"folder-without-row", "label-contradicts-folder"}


@pytest.fixture(scope="module", params=["mmew", "casme2", "casme"])
def messy(request, tmp_path_factory):
    root = write_database(tmp_path_factory.mktemp("messy") / "db", layout=request.param, subjects=4, messy=True)
    with (root / "planted.csv").open(encoding="utf-8") as file:
        return mer_di.load_dataset(request.param, root), list(csv.DictReader(file))


def test_the_build_drops_exactly_what_was_spoilt_and_names_it(messy, tmp_path):
    database, planted = messy
    report = build_cache(database, tmp_path / "messy.h5", Recipe(align="none", aspect="stretch", size=16))
    spoilt = {(p["subject"], p["clip"]): p["kind"] for p in planted if p["kind"] not in READ_AS_MEANT | TOLD}
    assert len(spoilt) >= 8
    found = {tuple(name.split("/")): reason.partition(":")[0] for name, reason in report.dropped.items()}
    assert found == spoilt
    assert report.kept + len(report.dropped) == len(database.samples)
    with open_cache(tmp_path / "messy.h5") as cache:
        assert departures(cache) == []


def test_the_reasons_hold_no_path_of_this_machine(messy, tmp_path):
    database, _ = messy
    report = build_cache(database, tmp_path / "messy.h5", Recipe(align="none", aspect="stretch", size=16))
    assert not [reason for reason in report.dropped.values() if str(database.root) in reason]


def test_the_doctor_names_what_drops_and_what_only_deserves_a_word(messy):
    database, planted = messy
    diagnosis = examine(database, decode=True)
    unusable = {(row["sample_id"], row["kind"]) for row in diagnosis.unusable}
    told = {(row["kind"], row["where"].rpartition("/")[2]) for row in diagnosis.findings}
    for quirk in planted:
        if quirk["kind"] in TOLD:
            assert (quirk["kind"], quirk["clip"]) in told
        elif quirk["kind"] not in READ_AS_MEANT:
            assert (f"{quirk['subject']}/{quirk['clip']}", quirk["kind"]) in unusable
    assert diagnosis.usable == diagnosis.samples - len(diagnosis.unusable)


def test_spellings_become_one_class_and_are_kept_as_written(messy):
    database, planted = messy
    spelt = {(p["subject"], p["clip"]) for p in planted if p["kind"] == "label-spelling"}
    rows = [sample for sample in database.samples if (sample.subject, sample.clip) in spelt]
    others = any(sample.emotion == "others" for sample in database.samples)
    assert len(rows) == len(spelt) == 2 + others
    assert sum(row.emotion != row.emotion_written for row in rows) == 1 + others  # one differs by spaces only
    assert {row.emotion for row in rows} <= {row.emotion for row in database.samples if row not in rows}
