"""Ctrl-C is neither lost nor printed while libsndfile reads through our files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import numpy as np
import pytest
import soundfile

from separation.audio.decoding.reader import BoundedFile
from separation.audio.decoding.sndfile import SoundfileReader
from separation.audio.files import hidden_folder
from separation.audio.interrupts import interrupts_held
from storage.locks import living_folder


class Interrupted(BoundedFile):
    """A file that is being read when Ctrl-C comes: at the read of this number."""

    at = 0
    n_reads = 0

    def readinto(self, target):
        self.n_reads += 1
        if self.n_reads == self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return super().readinto(target)

    def read(self, size=-1):
        self.n_reads += 1
        if self.n_reads == self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return super().read(size)


@pytest.mark.parametrize("at", [1, 2, 20])
def test_an_interrupt_in_the_middle_of_a_read_stops_the_decoding(tmp_path, capfd, at):
    soundfile.write(tmp_path / "song.wav", np.zeros((200_000, 2), np.float32), 44_100)
    with (tmp_path / "song.wav").open("rb") as opened:
        file = Interrupted(opened)
        file.at = at
        with pytest.raises(KeyboardInterrupt):
            for _ in SoundfileReader(file, 4_096).blocks():
                pass
        stopped_after = file.n_reads
    with (tmp_path / "song.wav").open("rb") as opened:
        whole = Interrupted(opened)
        assert sum(block.shape[1] for block in SoundfileReader(whole, 4_096).blocks()) == 200_000
    assert stopped_after < whole.n_reads / 2, "only the read at hand is finished"
    assert "Traceback" not in capfd.readouterr().err


def test_the_handlers_are_those_from_before_also_after_an_error():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ZeroDivisionError), interrupts_held():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_told_twice_it_stops_once():
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_nothing_changes():
    usual, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [usual]


# Folders that are gone afterwards


def interrupting(work):
    """`work`, in the middle of which Ctrl-C comes, the first time."""

    def interrupted(*args, **options):
        if not told:
            told.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return work(*args, **options)

    told: list[bool] = []
    return interrupted


@pytest.mark.parametrize("moment", ["mkdtemp", "rmtree"])
def test_a_hidden_folder_is_gone_also_if_the_interrupt_comes_while_it_is_made_or_deleted(tmp_path, monkeypatch, moment):
    module = {"mkdtemp": tempfile, "rmtree": shutil}[moment]
    monkeypatch.setattr(module, moment, interrupting(getattr(module, moment)))
    with pytest.raises(KeyboardInterrupt), hidden_folder(tmp_path) as folder:
        (folder / "half.wav").write_bytes(b"RIFF")
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_gone_also_if_an_interrupt_in_deleting_it_looks_like_an_error_of_the_system(tmp_path, monkeypatch):
    rmtree = shutil.rmtree

    def interrupted(*args, **options):
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        try:
            raise KeyboardInterrupt
        finally:
            os.close(1_000_000)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), living_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


DROPPING = """
import signal, time
from separation.audio.interrupts import stops_as_interrupts

class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

with stops_as_interrupts():
    try:
        Dying()
        time.sleep(600)
        print("went on")
    except KeyboardInterrupt:
        print("stopped")
"""


def test_an_interrupt_that_python_drops_in_a_destructor_is_made_again():
    ended = subprocess.run([sys.executable, "-c", DROPPING], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")
