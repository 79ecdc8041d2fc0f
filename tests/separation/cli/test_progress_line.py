"""What a command draws on a terminal, as the terminal gets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from separation.cli.common import Common
from separation.cli.models import DownloadProgress
from separation.events import ModelLoading
from tests.support import run_fakes

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such terminals there")


def on_a_terminal(kind, folder, *words):
    """All that a command sends to a terminal of a kind."""
    import pty

    ours, theirs = pty.openpty()
    environment = {"PYTHONPATH": str(ROOT), **os.environ, "TERM": kind, "AUDIO_PLAYGROUND_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "separation.cli.main", *words]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment, cwd=folder):
        os.close(theirs)
        got = b""
        while True:
            try:
                some = os.read(ours, 4096)
            except OSError:  # the command has ended
                break
            if not some:
                break
            got += some
    os.close(ours)
    return got.decode()


@pytest.mark.parametrize(
    "words",
    [["extract", "builtin-dsp", "song.wav"], ["batch", ".", "--backend", "builtin-dsp"]],
    ids=["extract", "batch"],
)
def test_a_dumb_terminal_gets_plain_lines(tmp_path, words):
    run_fakes.song(tmp_path / "song.wav")
    drawn = on_a_terminal("xterm", tmp_path, *words, "-p", "drums", "-o", "out")
    assert "\r\x1b[2K" in drawn and "1 of 1" in drawn
    plain = on_a_terminal("dumb", tmp_path, *words, "-p", "drums", "-o", "out", "--no-cache")
    assert "\x1b" not in plain and "\r" not in plain.replace("\r\n", "\n") and "done" in plain.lower()


def test_a_download_on_a_dumb_terminal_is_plain_lines_too(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    progress = DownloadProgress(Common("auto", False, None))
    for done in (10**9, 2 * 10**9):
        progress.show(ModelLoading(model="small", done_bytes=done, total_bytes=2 * 10**9))
    progress.end()
    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["small: 1.0 GB of 2.0 GB", "small: 2.0 GB of 2.0 GB"] and not shown.err
