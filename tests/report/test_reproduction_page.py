"""The page of a table that was run again."""

from html_page import Page

from mer_di.evaluation.results import Results
from mer_di.experiments import load_table
from mer_di.experiments.reproduction import ReproducedRow, Reproduction
from mer_di.report import write_reproduction_report


def test_the_papers_number_stands_beside_ours_and_what_did_not_run_says_why(run, tmp_path):
    table, results = load_table("table4"), Results(**run.results())
    rows = tuple(
        ReproducedRow(row, results, departures=["one departs"])
        if index == 0
        else ReproducedRow(row, problem="no frames")
        for index, row in enumerate(table.rows)
    )
    write_reproduction_report(Reproduction(table, "samm", rows, ["epochs 1 instead of 50"]), tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    for row in table.rows:
        assert f"{row.paper['samm']:.2f} %" in page.text
    assert f"{100 * results.accuracy:.1f}" in page.text
    assert page.text.count("no frames") == len(table.rows) - 1
    assert "one departs" in page.text
    assert "Not the paper's setting: epochs 1 instead of 50" in page.text
    assert "Synthetic data" not in page.text


def test_drawn_faces_are_named_and_have_no_numbers_of_the_paper(run, tmp_path):
    table, results = load_table("table4"), Results(**run.results())
    rows = tuple(ReproducedRow(row, results, control=results) for row in table.rows)
    write_reproduction_report(Reproduction(table, "synthetic-mmew", rows, []), tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert "Synthetic data." in page.text
    assert "Shuffled" in page.text
    assert "Where the papers' numbers come from" not in page.text
    assert "Not the paper's setting" not in page.text
