"""What libraries in C print of a damaged file does not reach the terminal; that it is damaged does."""

from __future__ import annotations

import io
import os
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation.audio.decode import decode
from tests.support.terminal import audio_playground

DAMAGED = "The file is damaged; what cannot be decoded is silent or left out."


def mp3(path: Path, *, n_damages: int) -> Path:
    """Noise as an MP3 of three seconds in which some bytes behind the header have changed."""
    encoded = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (3 * 44_100, 2))
    soundfile.write(encoded, noise, 44_100, format="MP3")
    content, places = bytearray(encoded.getvalue()), random.Random(1)
    for _ in range(n_damages):
        content[places.randrange(2_000, len(content))] ^= 0xFF
    path.write_bytes(content)
    return path


def test_damage_to_an_mp3_is_said_in_our_words_and_nothing_else_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert DAMAGED in decode(mp3(tmp_path / "damaged.mp3", n_damages=40)).warnings
    assert decode(mp3(tmp_path / "whole.mp3", n_damages=0)).warnings == ()
    assert capfd.readouterr().err == ""


def test_the_error_stream_is_what_it_was_afterwards(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(2).st_ino
    decode(mp3(tmp_path / "damaged.mp3", n_damages=40))
    assert os.fstat(2).st_ino == before
    print("still here", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "still here\n"


def test_beside_other_threads_nothing_is_caught_that_might_be_theirs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    thread = threading.Thread(target=decode, args=(mp3(tmp_path / "damaged.mp3", n_damages=40),))
    thread.start()
    thread.join()
    assert "libmpg123" in capfd.readouterr().err


def test_a_command_says_it_in_a_note(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mp3(folder / "song.mp3", n_damages=40)
    assert f"note: {DAMAGED}" in audio_playground("convert", "to-wav", "song.mp3").output
    assert capfd.readouterr().err == ""
