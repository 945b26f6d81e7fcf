import os
import re
import socket
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError
from mer_di.files import destination, file_names, whole_folder, write_bytes, write_text, written_aside

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and sockets have no names here")


@given(st.sets(st.text(max_size=150), min_size=1, max_size=5))
def test_every_fold_has_a_file_name_of_its_own_on_every_file_system(names):
    found = file_names(names)
    assert found.keys() == names
    assert len({file.casefold() for file in found.values()}) == len(names)
    for file in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]+\.json", file)
        assert len(file) < 255


def test_usual_subjects_keep_their_names():
    assert file_names(["sub01", "006", "S01", "casme2/sub01"]) == {
        "sub01": "sub01.json",
        "006": "006.json",
        "S01": "S01.json",
        "casme2/sub01": "casme2%2Fsub01.json",
    }
    both = file_names(["S1", "s1"])
    assert both["S1"] != "S1.json"
    assert both["s1"] != "s1.json"


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_text(path, "former")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="No space") as error:
        write_text(path, "latter")
    assert error.value.filename == str(path)
    assert path.read_text() == "former"
    assert [*tmp_path.iterdir()] == [path]


def test_the_file_behind_a_link_is_replaced_and_keeps_its_permissions(tmp_path):
    (tmp_path / "there").mkdir()
    page, link = tmp_path / "there" / "page.html", tmp_path / "link.html"
    write_bytes(page, b"former")
    page.chmod(0o600)
    link.symlink_to(page)
    write_bytes(link, b"latter")
    assert link.is_symlink()
    assert (page.read_bytes(), stat.S_IMODE(page.stat().st_mode)) == (b"latter", 0o600)


@pytest.mark.parametrize("name", ["cache.h5", "./cache.h5", "../{folder}/cache.h5", "link.h5", "hard.h5", "chain.h5"])
def test_what_is_read_is_not_written_under_any_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache.h5").write_bytes(b"months")
    os.link("cache.h5", "hard.h5")
    (tmp_path / "link.h5").symlink_to("cache.h5")
    (tmp_path / "chain.h5").symlink_to("link.h5")
    with pytest.raises(InputError, match="is read for this"):
        destination(name.format(folder=tmp_path.name), ["cache.h5"])


def test_a_cache_is_not_replaced_by_anything_else(tmp_path):
    cache = tmp_path / "other.h5"
    cache.write_bytes(b"\x89HDF\r\n\x1a\n and more")
    with pytest.raises(InputError, match="HDF5 file, and not replaced"):
        write_text(cache, "<html>")
    assert cache.read_bytes().endswith(b"and more")


@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("no/page.html", "does not exist"), ("file/page.html", "is a file")]
)
def test_where_no_file_can_be_is_said_before_the_work(tmp_path, name, said):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=said):
        destination(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_what_is_read_only_is_said_before_the_work(tmp_path):
    (tmp_path / "page.html").touch(0o400)
    with pytest.raises(InputError, match="is read-only"):
        destination(tmp_path / "page.html")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written into"):
        destination(tmp_path / "other.html")
    tmp_path.chmod(0o700)


@posix
def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"a page")
    reader.join()
    assert got == [b"a page"]
    assert pipe.is_fifo()
    write_bytes(os.devnull, b"a page")
    assert not os.path.isfile(os.devnull)  # noqa: PTH113


@posix
def test_a_link_that_leads_to_itself_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="loop is a link that leads to itself"):
        write_text(tmp_path / "loop", "page")


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("here")
        with pytest.raises(InputError, match="socket, and not touched"):
            write_bytes("here", b"")


def test_a_folder_appears_with_all_that_is_in_it(tmp_path):
    with whole_folder(tmp_path / "out") as folder:
        (folder / "frames").mkdir()
        (folder / "table.csv").touch()
        assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == []
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"frames", "table.csv"}


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_fails_leaves_what_was_there(tmp_path, there):
    out = tmp_path / "out"
    if there:
        out.mkdir()
    with pytest.raises(OSError, match="No space") as error, whole_folder(out) as folder:  # noqa: PT012
        (folder / "half").touch()
        raise OSError(28, "No space left on device")
    assert error.value.filename == str(out)
    assert out.exists() == there
    assert not there or not [*out.iterdir()]


def test_an_empty_folder_is_used_through_a_link_and_stays_the_one_that_it_is(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    before = (tmp_path / "real").stat().st_ino
    with whole_folder(tmp_path / "link") as folder:
        (folder / "file").touch()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").exists()
    assert (tmp_path / "real").stat().st_ino == before


def test_what_a_killed_command_left_in_a_folder_is_removed_by_the_next(tmp_path):
    left = tmp_path / "out" / ".unfinished"
    left.mkdir(parents=True)
    (left / "half").touch()
    (tmp_path / "out" / ".unfinished.lock").touch()
    with whole_folder(tmp_path / "out") as folder:
        (folder / "whole").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]


def test_two_commands_do_not_fill_one_folder(tmp_path):
    with whole_folder(tmp_path / "out") as folder:
        with pytest.raises(InputError, match="another command is writing"), whole_folder(tmp_path / "out"):
            pass
        (folder / "file").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_something_is_not_written_into(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("nowhere")
    for name in ("", "file", "nowhere"):
        with pytest.raises(InputError, match="not an empty folder"), whole_folder(tmp_path / name):
            pass
    with pytest.raises(InputError, match="does not exist"), whole_folder(tmp_path / "no" / "such"):
        pass


def test_what_is_written_aside_takes_the_name_when_it_is_whole_and_is_gone_otherwise(tmp_path):
    path = tmp_path / "file"
    with written_aside(path) as aside:
        aside.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"
    with pytest.raises(FileNotFoundError), written_aside(path) as aside:
        aside.with_suffix(".absent").read_text()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
