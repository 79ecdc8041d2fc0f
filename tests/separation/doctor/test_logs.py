"""The log: a line for each thing that happened, whatever is in it; faults under their names, once; bounded files."""

from __future__ import annotations

import logging
import pickle
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from separation.doctor import logs
from separation.errors import SeparationError, fault_name, unforeseen


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    """A logger whose lines go to `studio.log`."""
    root = logging.getLogger()
    before = list(root.handlers)
    logs.to_file(tmp_path / "log" / "studio.log")
    yield logging.getLogger("tests.log")
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(False)


def lines(tmp_path: Path) -> list[str]:
    return (tmp_path / "log" / "studio.log").read_text("utf-8").split("\n")[:-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nERROR forged", r"a\nERROR forged"),
        ("a\r\x1b[31m\x07\x00", r"a\r\x1b[31m\x07\x00"),
        ("\x85\u2028\u202eevil", r"\x85\u2028\u202eevil"),
        ("Café ☃ 日本語", "Café ☃ 日本語"),
    ],
)
def test_control_characters_are_written_out(log, tmp_path, text, shown):
    log.warning("file %s is odd", text)
    (line,) = lines(tmp_path)
    assert line.endswith(f"WARNING tests.log: file {shown} is odd")


def test_half_a_surrogate_as_odd_names_have_it_is_written_out():
    # Not by logging it: what a test logs is sent between pytest's processes, which take UTF-8 only.
    assert logs.one_line("caf\udce9.wav") == r"caf\udce9.wav"


def test_a_long_line_loses_its_middle(log, tmp_path):
    log.warning("begins %s ends", "x" * 10**6)
    (line,) = lines(tmp_path)
    assert len(line) <= logs.MAX_LINE + 3
    assert "begins" in line
    assert line.endswith("ends")


def fail() -> None:
    try:
        raise KeyError("no\nkey")
    except KeyError as error:
        raise ValueError("no value") from error


def test_a_fault_is_one_line_with_its_name_its_place_and_its_cause(log, tmp_path):
    try:
        fail()
    except ValueError as error:
        log.exception("it broke")
        shown = unforeseen("page", error)
    (line,) = lines(tmp_path)
    name = re.search("as fault ([0-9a-f]{6})", str(shown))[1]
    assert f"ERROR tests.log: fault {name}: it broke | ValueError: no value at " in line
    assert "tests/separation/doctor/test_logs.py:" in line
    assert " fail < " in line
    assert "; after KeyError: 'no\\nkey'" in line


def test_a_fault_that_is_logged_again_on_its_way_out_is_said_once(log, tmp_path):
    try:
        fail()
    except ValueError:
        log.exception("it broke")
        log.exception("and was passed on")
    log.error("something else", exc_info=ZeroDivisionError())
    assert ["it broke" in line for line in lines(tmp_path)] == [True, False]


def test_what_is_no_fault_bears_no_name(log, tmp_path):
    log.warning("retrying", exc_info=OSError("slow"))
    assert "fault" not in lines(tmp_path)[0]
    assert "OSError: slow" in lines(tmp_path)[0]


def test_a_fault_keeps_its_name_on_the_way_to_another_process_and_is_logged_there_too(log, tmp_path):
    error = SeparationError("broken")
    name = fault_name(error)
    assert fault_name(pickle.loads(pickle.dumps(error))) == name
    assert fault_name(SeparationError("broken")) != name


def test_a_message_with_wrong_arguments_is_still_a_line():
    record = logging.LogRecord("tests.log", logging.WARNING, __file__, 1, "%d files", ("no",), None)
    assert "'%d files' with ('no',)" in logs.Lines("%(message)s").format(record)


def test_the_files_are_private_and_of_bounded_size(log, tmp_path, monkeypatch):
    for handler in logging.getLogger().handlers:
        if getattr(handler, "maxBytes", 0) == logs.FILE_BYTES:
            monkeypatch.setattr(handler, "maxBytes", 10_000)
    for n in range(1000):
        log.warning("%d: %s", n, "x" * 100)
    files = sorted((tmp_path / "log").iterdir())
    assert len(files) == 1 + logs.N_OLD_FILES
    assert max(file.stat().st_size for file in files) <= 10_000
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    assert lines(tmp_path)[-1].endswith("999: " + "x" * 100)
