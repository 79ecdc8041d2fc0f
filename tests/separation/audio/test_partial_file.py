"""Files that are read while they are sent."""

from __future__ import annotations

import hashlib
import io
import threading

import numpy as np
import pytest
import soundfile

from separation.audio.convert import converted_blocks
from separation.audio.decode import decode, decode_blocks
from separation.audio.partial_file import PartialFile
from separation.errors import AudioError
from separation.results.runs import import_recording
from storage import ArtifactStore

RATE = 8000


@pytest.fixture
def sent(tmp_path):
    """A file's bytes, and the same file that nothing of has arrived yet."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (40 * RATE, 2)).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", samples, RATE, subtype="PCM_16")
    data = (tmp_path / "song.wav").read_bytes()
    return data, PartialFile(tmp_path / "arriving", "song.wav", len(data))


def sending(file, data, block=50_000, *, pause=lambda: None, end=PartialFile.finish):
    """A thread that sends a file."""

    def send():
        for start in range(0, len(data), block):
            pause()
            file.write(data[start : start + block])
        end(file)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_reader_gets_what_was_sent_and_may_go_back(sent):
    data, file = sent
    thread = sending(file, data)
    with file.open() as reader:
        assert reader.read(100_001) == data[:100_001]
        assert reader.seek(-100, io.SEEK_END) == len(data) - 100
        assert reader.read() == data[-100:] and reader.read(1) == b""
        assert reader.seek(5) == reader.tell() == 5 and reader.read(7) == data[5:12]
        assert reader.seek(3, io.SEEK_CUR) == 15
    thread.join()
    assert file.complete and file.sha256() == hashlib.sha256(data).hexdigest()


def test_its_first_blocks_are_decoded_before_its_last_are_sent(sent):
    data, file = sent
    halfway, go_on = len(data) // 2, threading.Event()
    n_sent = 0

    def pause():
        nonlocal n_sent
        n_sent += 50_000
        if n_sent > halfway:
            go_on.wait(20)

    thread = sending(file, data, pause=pause)
    with converted_blocks(file) as blocks:
        assert blocks.n_expected == 40 * RATE
        got = [next(iterator := iter(blocks))]
        assert not file.complete
        go_on.set()
        got += iterator
    thread.join()
    assert np.array_equal(np.concatenate(got, axis=1), decode(file.path).waveform.samples)


@pytest.mark.parametrize("name", ["song.mp3", "song.flac", "song.ogg"])
def test_every_format_decodes_to_what_the_whole_file_decodes_to(tmp_path, name):
    samples = np.random.default_rng(1).uniform(-0.1, 0.1, (RATE * 4, 1)).astype(np.float32)
    soundfile.write(tmp_path / name, samples, RATE)
    data = (tmp_path / name).read_bytes()
    file = PartialFile(tmp_path / "arriving", name)  # nobody says how long it will be
    thread = sending(file, data, 1000)
    with decode_blocks(file) as blocks:
        got = np.concatenate([*blocks], axis=1)
    thread.join()
    assert np.array_equal(got, decode(tmp_path / name).waveform.samples)


def test_a_reader_of_what_is_broken_off_fails_instead_of_waiting(sent):
    data, file = sent
    thread = sending(file, data[:200_000], end=PartialFile.break_off)
    with pytest.raises(AudioError, match="broken off"), decode_blocks(file) as blocks:
        assert sum(block.shape[1] for block in blocks) < 40 * RATE
    thread.join()
    assert not file.complete
    with pytest.raises(OSError, match="broken off"):
        file.sha256()


def test_one_that_ends_before_the_announced_size_is_as_long_as_it_is(sent):
    data, file = sent
    sending(file, data[:100_000]).join()
    assert file.size_bytes() == 100_000


def test_an_empty_one_is_called_empty(tmp_path):
    file = PartialFile(tmp_path / "arriving", "nothing.wav", 0)
    file.finish()
    with pytest.raises(AudioError, match="nothing") as caught, decode_blocks(file):
        pass
    assert caught.value.why == "The file is empty."


def test_it_becomes_the_recording_that_the_file_on_disk_becomes(sent, tmp_path):
    data, file = sent
    store = ArtifactStore(tmp_path / "store", limit_bytes=2**30, version="test")
    seen = []
    thread = sending(file, data)
    arrived = import_recording(file, store, on_decoded=seen.append)
    thread.join()
    assert [one.n_ready for one in seen][-1] == seen[0].n_expected == 40 * RATE
    bytes_of = {name: path.read_bytes() for name, path in store.get(arrived.key).files.items()}
    assert import_recording(tmp_path / "song.wav", store).key == arrived.key

    again = PartialFile(tmp_path / "again", "song.wav", len(data))
    sending(again, data).join()
    assert import_recording(again, store, on_decoded=lambda _: pytest.fail("it is kept already")).key == arrived.key

    elsewhere = ArtifactStore(tmp_path / "elsewhere", limit_bytes=2**30, version="test")
    whole = import_recording(tmp_path / "song.wav", elsewhere)
    assert {name: path.read_bytes() for name, path in elsewhere.get(whole.key).files.items()} == bytes_of
