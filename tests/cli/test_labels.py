import json

from click.testing import CliRunner

from mer_di.cli.labels import command
from mer_di.labels import list_schemes, read_scheme


def said(*arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_list_names_every_scheme_with_its_samples():
    lines = said().splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(list_schemes())
    assert "casme2 145 + samm 133 + smic 164 = 442" in next(line for line in lines if line.startswith("megc2019"))


def test_what_is_printed_of_a_scheme_is_a_scheme(tmp_path):
    (tmp_path / "megc2019.toml").write_text(said("megc2019"), encoding="utf-8")
    assert read_scheme(tmp_path / "megc2019.toml") == read_scheme("megc2019")
    assert said(tmp_path / "megc2019.toml") == said("megc2019")


def test_a_program_may_read_it():
    (found,) = json.loads(said("mmew-4", "--json"))
    assert found["databases"]["mmew"]["left_out"] == ["fear", "sadness", "anger"]
    assert found["sha256"] == read_scheme("mmew-4").sha256
