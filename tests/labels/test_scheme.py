import pytest

from mer_di.datasets import dataset_spec, list_datasets
from mer_di.errors import InputError
from mer_di.labels import list_schemes, read_scheme, scheme_text

OWN = """
title = "two classes"
source = "nobody"
column = "emotion"

[databases.mine]
left_out = ["others"]

[databases.mine.classes]
bad = ["disgust", "anger"]
good = ["happiness"]
"""

PUBLISHED = {
    "casme2-4": 255,
    "casme2-4-without-others": 147,
    "casme2-5": 246,
    "megc2018": 253,
    "megc2019": 442,
    "mmew-4": 263,
    "samm-5": 136,
}


def written(folder, text=OWN, name="own.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_shipped_schemes_state_the_published_numbers():
    schemes = {name: read_scheme(name) for name in list_schemes()}
    totals = {name: sum(sum(d.published.values()) for d in s.databases.values()) for name, s in schemes.items()}
    assert totals == PUBLISHED


@pytest.mark.parametrize("name", [name for name, n in PUBLISHED.items() if n != 253])
def test_each_emotion_of_a_published_table_is_mapped_or_left_out(name):
    for database, labels in read_scheme(name).databases.items():
        if database in list_datasets():
            spec = dataset_spec(database)
            assert {emotion for version in spec.published for emotion in version.emotions} == set(labels.class_of)


@pytest.mark.parametrize("name", [name for name, n in PUBLISHED.items() if n != 253])
def test_the_published_numbers_follow_from_the_published_table_and_what_is_left_out_by_name(name):
    for database, labels in read_scheme(name).databases.items():
        if database in list_datasets():
            counts = dataset_spec(database).published[0].emotions
            found = {label: sum(counts[emotion] for emotion in members) for label, members in labels.classes.items()}
            by_name = {"negative": 2} if (name, database) == ("megc2019", "casme2") else {}
            assert labels.published == {label: n - by_name.get(label, 0) for label, n in found.items()}


def test_a_file_of_ones_own(tmp_path):
    scheme = read_scheme(written(tmp_path))
    assert (scheme.name, scheme.title, scheme.classes) == ("own", "two classes", ("bad", "good"))
    assert scheme.databases["mine"].class_of == {"disgust": "bad", "anger": "bad", "happiness": "good", "others": None}
    assert scheme_text(tmp_path / "own.toml") == OWN


def test_the_digest_is_of_what_is_mapped_and_of_nothing_else(tmp_path):
    digest = read_scheme(written(tmp_path)).sha256
    words = OWN.replace("nobody", "somebody").replace("[databases.mine]", "# a remark\n[databases.mine]")
    assert read_scheme(written(tmp_path, words, "other.toml")).sha256 == digest
    for change in (
        OWN.replace('"disgust", "anger"', '"disgust"').replace('["others"]', '["others", "anger"]'),
        OWN.replace("bad", "negative"),
        OWN.replace('"emotion"', '"objective_class"'),
        OWN + '[databases.mine.without]\n"1/a" = "blurred"\n',
    ):
        assert read_scheme(written(tmp_path, change)).sha256 != digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title", "titel", "has a key 'titel'; expected of title, source, column, databases"),
        ('source = "nobody"\n', "", "lacks the key 'source'"),
        ('"emotion"', '"mood"', "column is 'mood'; expected one of emotion, objective_class"),
        ('["happiness"]', '"happiness"', r"database 'mine': classes\['good'\] is 'happiness'; expected list"),
        ('["happiness"]', '["disgust"]', "names 'disgust' twice"),
        ("left_out", "without_class", "database 'mine' has a key 'without_class'"),
        (
            "[databases.mine.classes]",
            "[databases.mine.published]\nugly = 3\n[databases.mine.classes]",
            "counts of 'ugly'",
        ),
        ("[databases.mine]", "[databases.mine", "is no TOML"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, old, new, said):
    with pytest.raises(InputError, match=said):
        read_scheme(written(tmp_path, OWN.replace(old, new, 1)))


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no label scheme is called 'megc', and no file; expected one of .*megc2019"):
        read_scheme("megc")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not in UTF-8"):
        read_scheme(tmp_path / "own.toml")
