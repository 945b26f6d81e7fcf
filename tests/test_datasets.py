"""The contract of every database: constants, registry, and what a user without the data is told."""

import subprocess
import sys

import pytest

from mer_di.datasets import dataset_spec, list_datasets, load_dataset
from mer_di.errors import DatasetNotFoundError, InputError

GATED = {
    "cas_me_2": "10.1109/TAFFC.2017.2654440",
    "casme": "10.1109/FG.2013.6553799",
    "cas_me_3": "10.1109/TPAMI.2022.3174895",
    "casme2": "10.1371/journal.pone.0086041",
    "mmew": "10.1109/TPAMI.2021.3067464",
    "samm": "10.1109/TAFFC.2016.2573832",
    "smic": "10.1109/FG.2013.6553717",
    "dfme": "10.1109/TAFFC.2023.3341918",
    "samm_lv": "10.1109/FG47880.2020.00029",
    "4dme": "10.1109/TAFFC.2022.3182342",
    "meview": "",  # of a workshop
}


def test_list_is_complete_and_sorted():
    assert list_datasets() == tuple(sorted({*GATED, "manifest", "synthetic"}))


@pytest.mark.parametrize("name", list_datasets())
def test_spec_is_complete(name):
    spec = dataset_spec(name)
    assert spec.name == name
    assert spec.title
    assert spec.licence
    assert spec.tables
    assert spec.layout.strip() == spec.layout.strip("\n")
    assert len({tree.name for tree in spec.trees}) == len(spec.trees)


@pytest.mark.parametrize("name", GATED)
def test_spec_of_licensed_data_says_whom_to_ask_and_cite(name):
    spec = dataset_spec(name)
    assert spec.request_url.startswith("http")
    assert spec.doi == GATED[name]
    assert spec.citation
    if name != "meview":  # its second table is known by no number
        assert spec.published
        assert spec.n_samples == spec.published[0].samples


def test_published_counts():
    found = {name: (dataset_spec(name).n_samples, dataset_spec(name).n_subjects) for name in list_datasets()}
    assert found == {
        "casme2": (255, 26),
        "samm": (159, 29),
        "mmew": (300, 30),
        "smic": (164, 16),
        "dfme": (2629, 259),
        "samm_lv": (159, 29),
        "4dme": (267, None),
        "meview": (None, None),
        "cas_me_3": (860, 94),
        "casme": (189, None),
        "cas_me_2": (57, None),
        "manifest": (None, None),
        "synthetic": (None, None),
    }


def test_frame_rates():
    rates = {name: dataset_spec(name).fps for name in list_datasets()}
    slow = {"mmew": 90, "synthetic": 90, "smic": 100, "cas_me_2": 30, "cas_me_3": 30, "casme": 60, "4dme": 60}
    others = {"manifest": None, "dfme": None, "meview": 30}
    assert rates == {"casme2": 200, "samm": 200, "samm_lv": 200, **slow, **others}


@pytest.mark.parametrize("name", list_datasets())
def test_absent_root_says_where_it_was_looked_for_and_what_to_do(name, tmp_path):
    place = tmp_path / "nothing here"
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset(name, place)
    text, spec = str(caught.value), dataset_spec(name)
    assert str(place) in text
    assert f"$MER_DI_DATA/{name}" in text
    assert "--root" in text
    assert "--dataset synthetic" in text
    assert spec.layout.splitlines()[0].strip() in text
    assert spec.request_url in text


@pytest.mark.parametrize("name", list_datasets())
def test_empty_root_is_the_same_bad_day(name, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="Expected:"):
        load_dataset(name, tmp_path)


@pytest.mark.parametrize("name", sorted({*list_datasets()} - {"synthetic"}))
def test_no_root_and_no_variable(name, monkeypatch):
    monkeypatch.delenv("MER_DI_DATA", raising=False)
    with pytest.raises(DatasetNotFoundError, match=r"\$MER_DI_DATA is not set"):
        load_dataset(name)


@pytest.mark.parametrize("name", sorted({*list_datasets()} - {"synthetic"}))
def test_root_below_the_variable(name, monkeypatch, tmp_path):
    monkeypatch.setenv("MER_DI_DATA", str(tmp_path))
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset(name)
    assert str(tmp_path / name) in str(caught.value)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=rf"'casme3'.*{', '.join(list_datasets())}"):
        load_dataset("casme3")
    with pytest.raises(InputError, match="casme3"):
        dataset_spec("casme3")


@pytest.mark.parametrize("name", ["casme2", "samm", "mmew", "manifest"])
def test_unknown_tree_and_unknown_correction_set(name, tmp_path):
    (tmp_path / "manifest.csv").write_text("subject,clip,path,onset,apex,offset,emotion\na,b,c,1,2,3,x\n")
    with pytest.raises(InputError, match="meb2"):
        load_dataset(name, tmp_path, corrections=("meb2",))
    if name == "manifest":
        with pytest.raises(InputError, match="'cropped'"):
            load_dataset(name, tmp_path, tree="cropped")


def test_asking_for_names_imports_no_database_and_no_spreadsheet_reader():
    code = (
        "import sys; from mer_di.datasets import list_datasets; list_datasets(); "
        "print(sorted({'openpyxl', 'cv2', 'mer_di.datasets.casme2', 'mer_di.imaging.frames'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_table_of_text_needs_no_spreadsheet_reader(tmp_path):
    (tmp_path / "manifest.csv").write_text("subject,clip,path,onset,apex,offset,emotion\na,b,c,1,2,3,x\n")
    code = "import sys, mer_di; mer_di.load_dataset('manifest', sys.argv[1]); print('openpyxl' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert found == "False\n"
