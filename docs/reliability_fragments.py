"""The table of faults: how each was provoked, what happens, the test that holds it, and how often it was tried."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_parts import table
from measured import newest

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class _Fault:
    """One row; ``counted`` begins the name that `benchmarks/stress.py` gives it, empty where tests alone hold it."""

    fault: str
    provoked: str
    happens: str
    test: str
    counted: str = ""


_FAULTS = (
    _Fault(
        "a build is killed",
        "SIGKILL with its workers, on threads and on processes: some time after it began to write, or as it opens, "
        "renames, makes or removes a file; one to three times before it may finish",
        "the same command resumes; the cache has the bytes of an undisturbed build, and nothing else is left",
        "building/test_unfinished.py::test_a_killed_build_resumes_to_the_same_bytes",
        "build on",
    ),
    _Fault(
        "a training is killed",
        "the same, one fold at a time and two",
        "finished folds are kept; the predictions are those of an undisturbed run, to the bit",
        "evaluation/test_evaluate.py::test_a_killed_run_resumes_to_the_same_result",
        "training killed",
    ),
    _Fault(
        "the disk is full during a build",
        "a file system in memory, of every size from one page to enough",
        "said before anything is rendered; with room, the same command makes the same bytes",
        "building/test_unfinished.py::test_a_disk_that_is_too_small_is_told_before_anything_is_rendered",
        "disk full during build",
    ),
    _Fault(
        "the disk is full during another command",
        "the same for train, train --save-model, export, show, report and synth",
        "one sentence, exit code 1, no half of a file under a name; with room, the same command succeeds",
        "cache/test_writing.py::test_a_disk_that_fails_leaves_the_former_cache_and_nothing_else",
        "disk full during (?!build)",
    ),
    _Fault(
        "sums differ between backends",
        "random frames, weights, types and layouts, on the CPU and by NumPy",
        "equal to the bit, or refused alike",
        "test_accumulate.py::test_integer_frames_under_integer_weights_are_summed_exactly",
        "sums on the CPU",
    ),
    _Fault(
        "sums differ on a GPU",
        "the same by the CUDA kernels in numba's simulator",
        "equal to the bit, or refused alike",
        "accumulate/test_cuda.py::test_in_the_simulator",
        "sums by the CUDA",
    ),
    _Fault(
        "tables that are none",
        "headers, cells, delimiters and bytes of text; cells, bytes and XML of workbooks; read as each database's",
        "read as far as they mean something, or the library's own error",
        "journeys/test_fuzz.py::test_only_errors_of_the_library_come_out",
        "spoilt table",
    ),
    _Fault(
        "manifests that lead anywhere",
        "paths and frame numbers, over frames of which some are damaged; examined and built",
        "samples are dropped with their reason, or the library's own error",
        "journeys/test_fuzz.py::test_only_errors_of_the_library_come_out",
        "spoilt manifest",
    ),
    _Fault(
        "foreign caches",
        "datasets, attributes and cells that are missing, of another kind or shape, moved, linked, endless",
        "refused when opened, in a sentence that says what was found and expected; by every command",
        "cache/test_structure.py::test_a_file_that_is_no_cache_says_in_what",
        "spoilt cache, structure",
    ),
    _Fault(
        "damaged caches",
        "bytes anywhere in the file, read by a process of its own",
        "the library's own error when it is opened, or when what is damaged is read",
        "cache/test_structure.py::test_a_file_with_a_hole_in_its_metadata_is_damaged",
        "spoilt cache, bytes",
    ),
    _Fault(
        "HDF5 itself crashes or hangs",
        "counted while those bytes were read",
        "not in our hands: a process that opens a file of somebody else's may die of it",
        "journeys/test_fuzz.py::test_only_errors_of_the_library_come_out",
        "HDF5 on",
    ),
    _Fault(
        "damaged runs",
        "values, keys and bytes of every file of a run; results, comparison and page",
        "the library's own error, naming the file",
        "journeys/test_fuzz.py::test_only_errors_of_the_library_come_out",
        "spoilt run",
    ),
    _Fault(
        "damaged models",
        "texts, tensors and bytes of a saved network",
        "the library's own error; nothing in the file is executed",
        "journeys/test_fuzz.py::test_only_errors_of_the_library_come_out",
        "spoilt model",
    ),
    _Fault(
        "a bit flips in a stored image",
        "in each of the six kinds of images",
        "`mer-di verify` names the sample",
        "inspection/test_verification.py::test_a_flipped_bit_anywhere_in_the_images_is_noticed",
    ),
    _Fault(
        "a cell or an attribute of a cache changes that nothing contradicts",
        "frame rates, action units, spellings, reasons, versions",
        "`mer-di verify` says so, `build` and `merge` refuse it",
        "inspection/test_verification.py::test_a_cell_that_nothing_contradicts_is_noticed",
    ),
    _Fault(
        "a bit flips in a saved model",
        "in each of its tensors",
        "refused when it is loaded",
        "learning/test_saved_model.py::test_a_flipped_bit_of_a_parameter_is_noticed",
    ),
    _Fault(
        "clips of a table are other frames when it is predicted again",
        "another `--root`, frames that were replaced",
        "predicted once more, and said",
        "predict/test_table.py::test_a_clip_of_other_frames_is_predicted_again",
    ),
    _Fault(
        "labels, phases or samples contradict each other",
        "cells of a cache changed by hand",
        "`mer-di verify` names the sample; `mer-di diff` every cell that differs",
        "inspection/test_verification.py::test_verification_names_what_is_wrong",
    ),
    _Fault(
        "a cache shows data of another file",
        "external storage, virtual datasets, soft and external links, second names",
        "refused when opened",
        "cache/test_reading.py::test_a_cache_that_leads_elsewhere_is_refused",
    ),
    _Fault(
        "a cache, a run or a model of an earlier version",
        "files that were kept, opened by every command that reads",
        "read to the same values; `verify` says what it cannot check",
        "journeys/test_frozen.py::test_every_command_reads_a_cache",
    ),
)


def reliability() -> str:
    """Return the table with the newest counts, and what went wrong."""
    record = newest("reliability")
    counts = {name: of for part in record["parts"].values() for name, of in part["faults"].items()}
    rows = [(*_words(fault), *_counted(fault, counts)) for fault in _FAULTS]
    total, failed = (sum(of[name] for of in counts.values()) for name in ("trials", "failures"))
    machine = record["machine"]
    scales = {f"{part['scale']:g}" for part in record["parts"].values()} - {"1"}
    said = (
        f"{total:,} trials, {failed} failures. {record['date'][:10]}, mer_di {machine['mer_di']}, {machine['cpu']}, "
        f"{machine['processors']} processors, Python {machine['python']}."
        + (f" Parts of it at a scale of {', '.join(sorted(scales))}." if scales else "")
    )
    heads = ("fault", "how it is provoked", "what happens, and the test", "trials", "failures")
    return "\n\n".join([said, table(heads, rows), *_failures(counts)])


def tests_tested() -> str:
    """Return how much of the code the tests run, and how many deliberate mistakes they notice, when last measured."""
    coverage, mutation = newest("coverage"), newest("mutation")
    branches, taken, mutants = coverage["branches"], coverage["branches_taken"], mutation["total"]
    omitted, mutated = (
        ", ".join(f"`{file}`" for file in files) for files in (coverage["omitted"], mutation["modules"])
    )
    return (
        f"- Of {branches:,} branches {taken:,} are taken, {taken / branches:.1%}, and of {coverage['statements']:,} "
        f"statements {coverage['statements_run']:,} are run ({coverage['tool']} {coverage['version']}, "
        f"{coverage['date']}; {coverage['tests']}). Left out: {omitted}, which run as machine code or on a GPU; they "
        "are compared with NumPy, number by number.\n"
        f"- Of {mutants['mutants']:,} small changes to {mutated} the tests notice {mutants['killed']:,}. Of the rest "
        f"{mutants['equivalent']} change nothing that can be seen, each with its reason in the results, and "
        f"{mutants['open']} wait for a test ({mutation['tool']} {mutation['version']}, {mutation['date'][:10]}). Left "
        "as they are: constants of modules, what an f-string says between its values, and decorated functions."
    )


def _words(fault: _Fault) -> tuple[str, str, str]:
    file, _, name = fault.test.partition("::")
    if not re.search(rf"^def {name}\(", (PROJECT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE):
        raise ValueError(f"tests/{file} has no {name}, which the page of reliability names")
    return fault.fault, fault.provoked, f"{fault.happens} (`tests/{file}`)"


def _counted(fault: _Fault, counts: Mapping[str, Mapping[str, int]]) -> tuple[str, str]:
    found = [of for name, of in counts.items() if fault.counted and re.match(fault.counted, name)]
    return ("", "") if not found else (f"{sum(of['trials'] for of in found)}", f"{sum(of['failures'] for of in found)}")


def _failures(counts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = [f"- {name}: `{text}`" for name, of in counts.items() for text in of["examples"]]
    return ["## What went wrong\n\nThe first of each kind.", "\n".join(lines)] if lines else []
