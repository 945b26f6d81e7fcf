"""The paper's tables on the command line."""

import json

from click.testing import CliRunner

from mer_di.cli.reproduce import command
from mer_di.experiments import load_table


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
    page = tmp_path / "page.html"
    again = CliRunner().invoke(command, [*arguments, "--audit-leakage", "--page", str(page)], catch_exceptions=False)
    assert again.exit_code == 0
    assert "DI-Onset + DI-Offset" in page.read_text(encoding="utf-8")


def test_a_papers_database_shows_number_beside_number_and_n_beside_n():
    from mer_di.cli.reproduce import _page
    from mer_di.experiments.reproduction import ReproducedRow, Reproduction

    table = load_table("table1")
    rows = tuple(
        ReproducedRow(row, problem="not implemented: x" if row.missing else "could not run: y") for row in table.rows
    )
    page = _page(Reproduction(table, "samm", rows, []))
    (ours,) = [line for line in page.splitlines() if line.startswith("DI-Onset")]
    assert ours.split()[3:7] == ["DIANet", "paper", "68.89", "-"]
    geme, of_the_number = [line for line in page.splitlines() if " GEME " in line or line.startswith("GEME  ")]
    assert "reconstruction" in geme
    assert of_the_number.split()[:6] == ["GEME", "55.88", "136", "5", "LOSO", "unknown"]
    assert "copied; arXiv" in of_the_number
    (dianet,) = [line for line in page.splitlines() if line.startswith("DIANet  ")]
    assert dianet.split()[:7] == ["DIANet", "68.89", "135", "5", "LOSO", "validation", "loss"]
    assert "DIANet: could not run: y" in page
