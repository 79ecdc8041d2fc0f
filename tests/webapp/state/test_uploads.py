"""Recordings on their way in: how far they are, who hears of it, and what their address leads to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from separation.results.partial import PartialAudio
from webapp.state.uploads import Uploads

ID = "ab" * 16


def so_far(n_ready, n_expected=1000):
    return PartialAudio(
        audio=Path("a.wav"), peaks=Path("a"), n_ready=n_ready, n_expected=n_expected, sample_rate=100, n_channels=2
    )


@pytest.mark.parametrize(("n_ready", "n_expected", "n_samples"), [(5, 1000, 1000), (5, None, 5), (1200, 1000, 1200)])
def test_half_made_audio_is_as_long_as_is_known(n_ready, n_expected, n_samples):
    audio = so_far(n_ready, n_expected)
    assert (audio.n_samples, audio.duration_s) == (n_samples, n_samples / 100)


async def test_an_upload_is_a_value_of_each_moment():
    uploads, heard = Uploads(), []
    uploads.changed.subscribe(heard.append)
    first = uploads.begin(ID, "song.wav")
    assert (first.key, first.name, first.audio, first.recording) == (ID, "song.wav", None, "")
    assert uploads.partial(ID) == {} and uploads.resolve(ID) == ID
    await asyncio.to_thread(uploads.take, ID, so_far(5))
    assert first.audio is None and uploads.get(ID).audio == so_far(5)
    assert uploads.partial(ID) == {"audio": so_far(5)}
    await asyncio.to_thread(uploads.take, ID, so_far(1000))
    await asyncio.sleep(0)
    uploads.end(ID, "cd" * 32)
    await asyncio.sleep(0)
    assert [(one.audio and one.audio.n_ready, one.recording) for one in heard] == [
        (5, ""),
        (1000, ""),
        (1000, "cd" * 32),
    ]
    assert uploads.get(ID) == heard[-1]
    assert uploads.partial(ID) == {} and uploads.resolve(ID) == "cd" * 32
    assert uploads.resolve("ef" * 32) == "ef" * 32


async def test_an_address_is_taken_for_good_unless_nothing_came():
    uploads = Uploads()
    uploads.begin(ID, "song.wav")
    assert uploads.begin(ID, "another.wav").key != ID
    uploads.end(ID, "cd" * 32)
    assert uploads.begin(ID, "another.wav").key != ID
    assert uploads.begin("no key at all", "third.wav").key != "no key at all"
    lost = uploads.begin("12" * 16, "lost.wav").key
    uploads.end(lost)
    assert uploads.get(lost) is None and uploads.resolve(lost) == lost
    assert uploads.begin(lost, "again.wav").key == lost


@pytest.mark.parametrize("recording", ["cd" * 32, ""])
async def test_who_waits_for_an_upload_goes_on_when_it_has_ended_however_it_did(recording):
    uploads = Uploads()
    assert uploads.wait(ID, 60), "nothing is on its way"
    uploads.begin(ID, "song.wav")
    waiting = asyncio.create_task(asyncio.to_thread(uploads.wait, ID, 60))
    await asyncio.sleep(0.05)
    assert not waiting.done() and not uploads.wait(ID, 0.01)
    uploads.end(ID, recording)
    assert await waiting and uploads.wait(ID, 60)
    assert uploads.resolve(ID) == (recording or ID)
