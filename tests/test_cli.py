import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from tiny_cache import write_tiny_cache

from mer_di.cli import COMMANDS, root
from mer_di.datasets import dataset_spec
from mer_di.errors import MerDiError


def run(*arguments):
    """Run a command in this process; library errors come out as themselves."""
    return CliRunner().invoke(root, [str(a) for a in arguments], catch_exceptions=False)


def run_outside(*arguments, env=None):
    """Run the installed command as a user does."""
    code = "from mer_di.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, env=env, check=False
    )


@pytest.fixture
def cache(tiny, tmp_path):
    out = tmp_path / "tiny.h5"
    result = run("build", "--dataset", "manifest", "--root", tiny.table, "--align", "none", "--size", 16, "--out", out)
    assert result.exit_code == 0
    return out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert len(result.output.split("\n\n")[1].strip()) > 40  # a sentence, not a word


def test_the_list_of_commands_cuts_no_sentence_short():
    assert "..." not in run("--help").stdout.partition("Commands:")[2]


def test_help_keeps_the_lines_of_its_examples():
    lines = run("--help").stdout.splitlines()
    assert "  Without a licence:   mer-di build --out demo.h5" in lines
    assert not [line for line in lines if "\\b" in line or "\b" in line]


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"report"}))
def test_every_command_with_a_result_prints_json_too(name):
    assert "--json" in run(name, "--help").stdout


def test_verify_and_synth_print_json(cache, tmp_path):
    found = json.loads(run("verify", cache, "--json").stdout)
    assert found == {"path": str(cache), "samples": 6, "recomputed": 0, "departures": [], "unchecked": []}
    drawn = run("synth", "--out", tmp_path / "drawn", "--subjects", 1, "--json")
    assert json.loads(drawn.stdout) == {"root": str(tmp_path / "drawn"), "layout": "mmew"}
    assert (tmp_path / "drawn").is_dir()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mer-di sh", {"show"}),
        ("mer-di info --j", {"--json"}),
        ("mer-di show cache.h5 --normalization sym", {"symmetric"}),
    ],
)
def test_the_shell_completes_commands_options_and_choices(words, expected):
    environment = os.environ | {
        "_MER_DI_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "import sys; sys.argv = ['mer-di']; from mer_di.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert {line.partition(",")[2] for line in result.stdout.split()} == expected


def test_build_says_what_it_kept_and_where(tiny, tmp_path):
    tiny.rows[0]["apex"] = "/"
    tiny.write_table()
    arguments = ("build", "--dataset", "manifest", "--root", tiny.table, "--align", "none", "--size", 16)
    result = run(*arguments, "--out", tmp_path / "out.h5")
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("kept 5, dropped 1 (1 apex-missing); 2 classes (happiness 2, surprise 3); ")
    assert last.endswith(str(tmp_path / "out.h5"))
    assert result.exit_code == 0
    assert run(*arguments, "--out", tmp_path / "strict.h5", "--strict").exit_code == 1
    as_json = json.loads(run(*arguments, "--out", tmp_path / "json.h5", "--json").stdout)
    assert as_json["kept"] == 5
    assert list(as_json["dropped"]) == ["s1/a"]


def test_info_verify_and_diff(cache, tiny, tmp_path):
    found = json.loads(run("info", cache, "--json").stdout)
    assert found["classes"] == {"happiness": 3, "surprise": 3}
    assert found["recipe"]["size"] == 16
    assert (found["apexes"], found["apex_confidence"]) == ({"table": 6}, None)
    assert "happiness" in run("info", cache).stdout
    verified = run("verify", cache, "--recompute", 3, "--root", tiny.table)
    assert (verified.exit_code, "3 of them recomputed" in verified.stdout) == (0, True)
    assert run("diff", cache, cache).exit_code == 0
    other = tmp_path / "other.h5"
    run("build", "--dataset", "manifest", "--root", tiny.table, "--align", "none", "--size", 8, "--out", other)
    differing = run("diff", cache, other, "--json")
    assert differing.exit_code == 1
    assert json.loads(differing.stdout)["recipe"] == ["size: 16 | 8"]


def test_verify_fails_on_a_spoilt_cache(cache):
    import h5py

    with h5py.File(cache, "r+") as file:
        file["di/onset"][0, 0, 0, 0] = float("inf")
    result = run("verify", cache)
    assert result.exit_code == 1
    assert "not finite" in result.stdout


def test_check_reports_and_fails_on_an_unusable_sample(tiny):
    assert run("check", "--dataset", "manifest", "--root", tiny.table).exit_code == 0
    tiny.rows[2]["apex"] = 99
    tiny.write_table()
    result = run("check", "--dataset", "manifest", "--root", tiny.table, "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)["unusable"]
    assert (row["sample_id"], row["kind"]) == ("s2/a", "apex-outside")
    assert "Unusable by reason: 1 apex-outside" in run("check", "--dataset", "manifest", "--root", tiny.table).stdout


def test_check_decodes_when_asked(tiny):
    frame = tiny.table.parent / "s1" / "a" / "img3.png"
    frame.write_bytes(frame.read_bytes()[:-40])
    arguments = ("check", "--dataset", "manifest", "--root", tiny.table)
    assert run(*arguments).exit_code == 0
    assert "frame-unreadable" in run(*arguments, "--decode").stdout


def test_datasets_lists_where_to_ask():
    output = run("datasets").stdout
    for name in ("casme2", "samm", "mmew", "manifest", "synthetic"):
        assert name in output
    assert "Micro_Expression" in run("datasets", "mmew").stdout
    assert {spec["name"] for spec in json.loads(run("datasets", "--json").stdout)} >= {"casme2", "samm", "mmew"}


def test_a_missing_database_is_explained_in_one_message(tmp_path, without_user_data):
    result = run_outside("build", "--dataset", "mmew", "--out", tmp_path / "x.h5")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for part in ("MER_DI_DATA", "--dataset synthetic", dataset_spec("mmew").request_url):
        assert part in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("build", "--out", "x.h5", "--scheme", "nonsense"), 2),
        (("build",), 2),
        (("nonsense",), 2),
        (("info", "absent.h5"), 1),
        (("build", "--dataset", "nonsense", "--out", "x.h5"), 1),
        (("check", "--dataset", "manifest", "--root", "absent.csv"), 1),
    ],
)
def test_failures_are_a_sentence_and_a_code(arguments, code, tmp_path):
    result = run_outside(*arguments)
    assert result.returncode == code
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()


def test_an_internal_error_is_a_sentence_unless_asked():
    code = "import mer_di.cli, sys; mer_di.cli.root.get_command = None; sys.argv=['mer-di','info']; mer_di.cli.main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "internal error" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_demo_database_needs_no_root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("build", "--out", tmp_path / "synthetic.h5", "--size", 32)
    assert result.exit_code == 0
    assert json.loads(run("info", tmp_path / "synthetic.h5", "--json").stdout)["dataset"] == "synthetic"


def test_a_progress_bar_stays_out_of_pipes(tiny, tmp_path):
    result = run_outside(
        "build", "--dataset", "manifest", "--root", tiny.table, "--align", "none", "--out", tmp_path / "quiet.h5"
    )
    assert result.returncode == 0
    assert result.stderr == ""


def test_a_progress_bar_on_a_terminal_tells_clips_frames_a_second_and_what_is_left(tiny, tmp_path):
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    code = "from mer_di.cli import main; main()"
    database = ["--dataset", "manifest", "--root", tiny.table, "--align", "none"]
    arguments = ["build", *database, "--out", tmp_path / "bar.h5"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=terminal, text=True
    ) as process:
        os.close(terminal)
        printed = process.stdout.read()
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert process.returncode == 0
    assert printed.startswith("kept 6")
    last = drawn.rstrip().split("\r")[-1]
    assert re.search(r"100%.* 6/6 clips, \d+ frames/s, 00:00 left", last)
    assert "\x1b[3" not in drawn  # no colours
    assert all(len(line.strip("\n")) <= 100 for line in drawn.split("\r"))


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_a_build_that_resumes(tiny, tmp_path, name, code):
    if not hasattr(signal, name):
        pytest.skip(f"there is no {name}")

    program = (
        "import signal, sys, time, mer_di.building.build, mer_di.cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a test run in the background ignores it
        "render = mer_di.building.tasks.render\n"
        "def slowly(*a):\n    print('clip', flush=True); time.sleep(0.3); return render(*a)\n"
        "mer_di.building.tasks.render = slowly\nmer_di.cli.main()"
    )
    arguments = ["build", "--dataset", "manifest", "--root", str(tiny.table), "--align", "none", "--jobs", "1"]
    out = tmp_path / "interrupted.h5"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.readline()  # the second clip has begun, so the first is finished
    time.sleep(0.05)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert f"interrupted by {name}" in errors
    assert "resumes" in errors
    assert not [*tmp_path.glob(".*")]
    assert "Traceback" not in errors
    finished = run(*arguments, "--out", out)
    assert re.search(r" s, [1-5] samples from an earlier build -> ", finished.stdout)


def test_a_signal_that_is_ignored_stays_ignored():
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "from mer_di.cli.process import listen; listen()\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_everything_can_be_printed_whatever_the_encoding(encoding):
    result = subprocess.run(
        [sys.executable, "-c", "from mer_di.cli import main; main()", "build", "--help"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=True,
    )
    arrow = "→" if encoding == "utf-8" else "\\u2192"
    assert f"apex{arrow}offset" in result.stdout.decode(encoding)


@pytest.mark.skipif(os.name != "posix", reason="streams are closed by a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_ends_nothing_and_nothing_gets_its_number(tiny, tmp_path, closed):
    words = ["build", "--dataset", "manifest", "--root", tiny.table, "--align", "none", "--size", "8"]
    command = [sys.executable, "-c", "from mer_di.cli import main; main()", *words, "--out", tmp_path / "out.h5"]
    subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *command], check=True)
    assert run("verify", tmp_path / "out.h5").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes break in another way")
def test_a_reader_that_has_left_is_not_missed(cache):
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-c", "from mer_di.cli import main; main()", "info", cache]
    result = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert result.stderr == b""


def test_names_do_not_steer_a_terminal(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5", subjects=1, emotions=("\x1b[2Jjoy", "b", "c"))
    printed = run_outside("info", path).stdout
    assert "\x1b" not in printed
    assert "joy" in printed


WRONG = {
    "synth": (["--out", "OUT", "--subjects", "1"], ("--out", "--subjects", "--clips-per-emotion", "--seed", "--tree")),
    "check": (["--dataset", "manifest", "--root", "absent"], ("--root", "--table", "--tree", "--min-class-size")),
    "build": (["--root", "absent", "--out", "OUT"], ("--out", "--root", "--size", "--temporal-length", "--scheme")),
    "info": ([], ()),
    "show": (["--out", "OUT"], ("--out", "--n", "--side", "--class", "--subject", "--streams", "--normalization")),
    "export": (["--out", "OUT"], ("--out", "--as", "--streams", "--normalization")),
    "verify": ([], ("--recompute", "--root", "--landmark-model")),
    "report": (["--out", "OUT"], ("--out", "--cache")),
    "train": (["--out", "OUT", "--list-folds"], ("--out", "--size", "--lr", "--dropout", "--validation", "--seed")),
}
VALUES = ("", "nan", "-1", "9" * 20, "folder", "text.txt", "x" * 5000)


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_given_the_answer_is_our_own(tmp_path, monkeypatch, name):
    """Every option and the argument with values of the wrong kind: no error but ours, a usage, or the disk's."""
    monkeypatch.chdir(tmp_path)
    write_tiny_cache(tmp_path / "c.h5", subjects=2, size=8)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    arguments, options = WRONG[name]
    takes_cache = name in ("info", "show", "export", "verify", "report", "train")
    lines = [[name, *["c.h5"] * takes_cache, *arguments, option, value] for option in options for value in VALUES]
    lines += [[name, value, *arguments] for value in VALUES if takes_cache]
    monkeypatch.setattr("mer_di.synthetic.database._write_all_frames", lambda *_: None)
    for number, line in enumerate(lines):
        with contextlib.suppress(MerDiError, OSError):
            assert run(*(f"out{number}" if word == "OUT" else word for word in line)).exit_code in (0, 1, 2)
